"""From encoded images to faces: decode, detect once, crop once per alignment, embed with every recognizer.

Images are analysed in parallel by threads (the networks release the interpreter lock) and come back
in order. Everything a network gave is kept in the cache under the image's digest and everything else
the value depends on, so a second run, another model, or a resumed run only does what is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

import cv2
import numpy as np

from idbench.errors import IdbenchError, RunError, UnreadableImageError
from idbench.faces.align import ARCFACE_112, Alignment
from idbench.faces.types import Analysis, Detections, Detector, Faces, Float, ImageEncoder, Recognizer
from idbench.images import DECODE_VERSION, RGB, EncodedImage, decode, digest_of, luma
from idbench.platform import usable_cores
from idbench.store import Cache, key_of

__all__ = ["ImageAnalyser", "Job", "View", "pad_to_square"]

K = TypeVar("K")
View = Literal["as_is", "padded"]
"""`padded`: on black, in a square of 1.5 x the longer side (the published script's references)."""


def pad_to_square(pixels: RGB, ratio: float = 1.5) -> RGB:
    """Centre an RGB image on a black square of `ratio` times its longer side (rounded down)."""
    height, width = pixels.shape[:2]
    side = int(max(height, width) * ratio)
    canvas = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


@dataclass(frozen=True)
class Job(Generic[K]):
    """One image to analyse; `key` comes back with the result. `encode` asks for whole-image encodings too."""

    key: K
    image: EncodedImage
    view: View = "as_is"
    encode: bool = False


@dataclass
class _Work:
    """One image on its way through the networks."""

    digest: str
    name: str
    data: bytes
    view: View
    found: Detections | None = None
    luma: RGB | None = None
    size: tuple[int, int] = (0, 0)
    pixels: RGB | None = None
    error: str | None = None
    embeddings: dict[str, Float] = field(default_factory=dict)
    encodings: dict[str, Float] = field(default_factory=dict)
    encode: bool = False
    failed: bool = False
    """Whether a recognizer failed on it, which is not kept."""

    def load_pixels(self) -> RGB:
        """Decode on first use only: a fully cached image is never decoded."""
        if self.pixels is None:
            pixels = decode(self.data, self.name)
            self.pixels = pad_to_square(pixels) if self.view == "padded" else pixels
            self.size = (self.pixels.shape[1], self.pixels.shape[0])
        return self.pixels


class ImageAnalyser:
    """Detector, recognizers, encoders and cache behind one call.

    Parameters
    ----------
    workers : threads; default is the number of usable cores. Numbers do not depend on it.
    batch : images whose crops go through a recognizer together; numbers do not depend on it beyond
        what a network's own batched arithmetic does (at most the last bits of a float32).
    """

    def __init__(
        self,
        detector: Detector,
        recognizers: Sequence[Recognizer],
        encoders: Sequence[ImageEncoder] = (),
        cache: Cache | None = None,
        workers: int | None = None,
        batch: int = 1,
    ) -> None:
        self.detector = detector
        self.recognizers = list(recognizers)
        self.encoders = list(encoders)
        self.cache = cache
        self.workers = workers or usable_cores()
        self.batch = batch
        self.recognizer_failures: dict[str, dict[str, str]] = {recognizer.name: {} for recognizer in recognizers}
        self._detected: set[tuple[str, View]] = set()
        self._detector_about = detector.describe()
        self._recognizer_about = {r.name: _for_key(r.describe()) for r in recognizers}
        self._encoder_about = {e.name: _for_key(e.describe()) for e in encoders}
        cv2.setNumThreads(1)  # images are analysed in parallel already

    @property
    def analysed(self) -> int:
        """How many images went through the detector because the cache did not have them."""
        return len(self._detected)

    def analyse(self, jobs: Iterable[Job[K]]) -> Iterator[tuple[K, Analysis]]:
        """Results in the order of the jobs, a bounded number in flight."""
        stream = iter(jobs)
        with ThreadPoolExecutor(self.workers) as pool:
            waiting: deque[tuple[list[Job[K]], Future[list[Analysis]]]] = deque()
            try:
                while True:
                    while len(waiting) < 2 * self.workers and (chunk := list(islice(stream, self.batch))):
                        waiting.append((chunk, pool.submit(self._chunk, chunk)))
                    if not waiting:
                        return
                    chunk, future = waiting.popleft()
                    yield from zip((job.key for job in chunk), future.result(), strict=True)
            finally:
                for _, future in waiting:
                    future.cancel()

    def one(self, image: EncodedImage, view: View = "as_is", encode: bool = False) -> Analysis:
        """A single image."""
        return self._chunk([Job(None, image, view, encode)])[0]

    def _chunk(self, jobs: Sequence[Job[Any]]) -> list[Analysis]:
        works = [self._start(job) for job in jobs]
        readable = [work for work in works if work.error is None]
        for work in readable:
            self._guarded(work, self._detect)
        readable = [work for work in readable if work.error is None]
        for recognizer in self.recognizers:
            self._embed(recognizer, [work for work in readable if recognizer.name not in work.embeddings])
        for encoder in self.encoders:
            self._encode(
                encoder,
                [w for w in readable if w.encode and w.error is None and encoder.name not in w.encodings],
            )
        return [self._analysis(work) for work in works]

    def _analysis(self, work: _Work) -> Analysis:
        if work.error is not None:
            return Analysis(work.digest, error=work.error)
        return Analysis(work.digest, _faces(work), cached=self.cache is not None and not work.failed)

    def _start(self, job: Job[Any]) -> _Work:
        if job.image.digest:
            known = _Work(job.image.digest, job.image.name, b"", job.view, encode=job.encode)
            self._recall(known)
            if self._complete(known):
                return known
        try:
            data = job.image.read()
        except UnreadableImageError as error:
            return _Work("", job.image.name, b"", job.view, error=str(error))
        work = _Work(digest_of(data), job.image.name, data, job.view, encode=job.encode)
        self._recall(work)
        return work

    @staticmethod
    def _guarded(work: _Work, step: Any) -> None:
        """An image that breaks a network is an unreadable image, never the end of the run."""
        try:
            step(work)
        except UnreadableImageError as error:
            work.error = str(error)
        except (cv2.error, ValueError, MemoryError, np.linalg.LinAlgError) as error:
            work.error = f"{work.name}: cannot be analysed ({_first_line(error)})"
        except IdbenchError:
            raise
        except Exception as error:  # a network that fails is no property of the image: stop, and go on later
            raise RunError(
                f"a network failed on {work.name} ({_first_line(error)}); what was computed is kept, "
                "so mend the cause and run the same command again"
            ) from error

    def _detect(self, work: _Work) -> None:
        if work.found is not None:
            return
        pixels = work.load_pixels()
        found = self.detector.detect(pixels).with_spread_landmarks()
        crops = self._crops(work, found, ARCFACE_112)
        work.luma = luma(crops)
        work.found = found
        self._detected.add((work.digest, work.view))
        self._store(
            self._detection_key(work),
            size=np.array(work.size), boxes=found.boxes, landmarks=found.landmarks,
            scores=found.scores, luma=work.luma,
        )  # fmt: skip

    def _crops(self, work: _Work, found: Detections, alignment: Alignment) -> RGB:
        pixels = work.load_pixels()
        crops = [alignment.crop(pixels, b, m) for b, m in zip(found.boxes, found.landmarks, strict=True)]
        return np.stack(crops) if crops else np.empty((0, alignment.size, alignment.size, 3), np.uint8)

    def _embed(self, recognizer: Recognizer, works: list[_Work]) -> None:
        crops: list[RGB] = []
        ready: list[_Work] = []
        for work in works:
            assert work.found is not None
            before = len(crops)
            self._guarded(work, lambda w: crops.append(self._crops(w, w.found, recognizer.alignment)))
            if len(crops) > before:
                ready.append(work)
        for work, part in zip(ready, _embeddings(recognizer, crops), strict=True):
            if isinstance(part, Exception):
                assert work.found is not None
                self.recognizer_failures[recognizer.name][work.name] = _first_line(part)
                work.failed = True
                work.embeddings[recognizer.name] = np.full((len(work.found), 1), np.nan, np.float32)
            else:
                work.embeddings[recognizer.name] = part
                self._store(self._embedding_key(work, recognizer.name), embeddings=part)

    def _encode(self, encoder: ImageEncoder, works: list[_Work]) -> None:
        for work in works:
            self._guarded(work, lambda w: w.load_pixels())
        works = [work for work in works if work.error is None]
        if not works:
            return
        try:
            vectors = encoder.encode([work.load_pixels() for work in works])
        except Exception as error:  # as with the detector
            raise RunError(f"{encoder.name} failed on {works[0].name} ({_first_line(error)})") from error
        for work, vector in zip(works, vectors, strict=True):
            work.encodings[encoder.name] = vector
            self._store(self._encoding_key(work, encoder.name), encoding=vector)

    def _recall(self, work: _Work) -> None:
        """Fill in what the cache has."""
        if self.cache is None:
            return
        if kept := self.cache.load(self._detection_key(work), "size", "boxes", "landmarks", "scores", "luma"):
            work.size = (int(kept["size"][0]), int(kept["size"][1]))
            work.found = Detections(kept["boxes"], kept["landmarks"], kept["scores"])
            work.luma = kept["luma"]
        else:
            return
        for name in self._recognizer_about:
            if kept := self.cache.load(self._embedding_key(work, name), "embeddings"):
                work.embeddings[name] = kept["embeddings"]
        for name in self._encoder_about:
            if kept := self.cache.load(self._encoding_key(work, name), "encoding"):
                work.encodings[name] = kept["encoding"]

    def _complete(self, work: _Work) -> bool:
        encoded = not work.encode or work.encodings.keys() == self._encoder_about.keys()
        return encoded and work.found is not None and work.embeddings.keys() == self._recognizer_about.keys()

    def _store(self, key: str, **arrays: Any) -> None:
        if self.cache is not None:
            self.cache.save(key, arrays)

    def _image_key(self, work: _Work) -> dict[str, Any]:
        return {"image": work.digest, "decode": DECODE_VERSION, "view": work.view}

    def _detection_key(self, work: _Work) -> str:
        return key_of({**self._image_key(work), "detector": self._detector_about})

    def _embedding_key(self, work: _Work, name: str) -> str:
        about = self._recognizer_about[name]
        return key_of({**self._image_key(work), "detector": self._detector_about, "recognizer": about})

    def _encoding_key(self, work: _Work, name: str) -> str:
        return key_of({**self._image_key(work), "encoder": self._encoder_about[name]})


def _embeddings(recognizer: Recognizer, crops: list[RGB]) -> list[Float | Exception]:
    """Embeddings of each image's crops. Where the network fails on all together, every image is tried alone.

    A failure is the recognizer's alone: other recognizers and the image are not touched, nothing is cached.
    """
    counts = [len(part) for part in crops]
    if not sum(counts):
        return [np.empty((0, 0), np.float32) for _ in crops]
    try:
        return list(np.split(recognizer.embed(np.concatenate(crops)), np.cumsum(counts)[:-1]))
    except Exception as error:  # runtimes raise classes of their own
        if len(crops) == 1:
            return [error]
        return [vectors for part in crops for vectors in _embeddings(recognizer, [part])]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _for_key(about: dict[str, Any]) -> dict[str, Any]:
    """What a description says, less what cannot change a value."""
    return {key: value for key, value in about.items() if key not in ("licence", "pack")}


def _faces(work: _Work) -> Faces:
    assert work.found is not None and work.luma is not None
    return Faces(*work.size, work.found, work.luma, work.embeddings, work.encodings)
