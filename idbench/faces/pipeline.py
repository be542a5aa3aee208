"""From encoded images to faces: decode, detect once, crop once per alignment, embed with every recognizer.

Images are analysed in parallel by threads (the networks release the interpreter lock) and come back
in order. Everything a network gave is kept in the cache under the image's digest and everything else
the value depends on, so a second run, another model, or a resumed run only does what is missing.

Where the detector finds fewer faces than a job says people are in the image, it looks a second time
(`idbench.faces.second_look`). Each look is kept by itself, so what an image gives depends on the image and on how many
people were expected there, never on who asked first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

import cv2
import numpy as np

from idbench.errors import IdbenchError, RunError, UnreadableImageError
from idbench.faces import second_look
from idbench.faces.align import ARCFACE_112, Alignment
from idbench.faces.probe import fault_of
from idbench.faces.second_look import pad_to_square
from idbench.faces.types import Analysis, Detections, Detector, Faces, Float, ImageEncoder, Recognizer
from idbench.image_remarks import KINDS, ImageRemarks, remarks_of
from idbench.images import (
    DECODE_VERSION,
    MAX_PIXELS,
    RGB,
    EncodedImage,
    MemoryBudget,
    decode,
    digest_of,
    luma,
    size_of,
)
from idbench.platform import usable_cores
from idbench.store import Cache, key_of

__all__ = ["ImageAnalyser", "Job", "View", "pad_to_square"]

K = TypeVar("K")
View = Literal["as_is", "padded"]
"""`padded`: on black, in a square of 1.5 x the longer side (the published script's references)."""

FIRST_LOOK_VERSION = 2
"""Raise it when the same detector gives other faces for the same image, because what cannot be a face changed."""

MEMORY = 1 << 30
"""Bytes that images being decoded and looked at may take up together: one of the largest, or many of usual size."""

BYTES_PER_PIXEL = 7
"""What decoding holds: Pillow's four bytes and our three."""


@dataclass(frozen=True)
class Job(Generic[K]):
    """One image to analyse; `key` comes back with the result. `encode` asks for whole-image encodings too.

    `people` is how many faces should be in it: with fewer, the detector looks a second time.
    """

    key: K
    image: EncodedImage
    view: View = "as_is"
    encode: bool = False
    people: int = 0


@dataclass
class _Look:
    """Faces that one look at an image found, beyond those of the looks before."""

    found: Detections
    luma: RGB
    embeddings: dict[str, Float] = field(default_factory=dict)

    def lacks(self, recognizer: str) -> bool:
        """Whether faces are still to be embedded."""
        return len(self.found) > 0 and recognizer not in self.embeddings


@dataclass
class _Work:
    """One image on its way through the networks."""

    digest: str
    name: str
    data: bytes
    view: View
    people: int = 0
    looks: list[_Look] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    pixels: RGB | None = None
    error: str | None = None
    encodings: dict[str, Float] = field(default_factory=dict)
    encode: bool = False
    failures: dict[str, str] = field(default_factory=dict)
    """Recognizers that failed on it and why; their answer is not kept."""

    @property
    def looks_needed(self) -> int:
        """One, or two where the first found too few faces; 1 as long as there was none."""
        return 2 if self.looks and len(self.looks[0].found) < self.people else 1

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
        self.recognizer_faults = {r.name: fault for r in recognizers if (fault := fault_of(r)) is not None}
        """Recognizers that cannot measure anything, and what is wrong with them; their embeddings are NaN."""
        self.remarks = ImageRemarks()
        """Images that can be read and are odd."""
        self._detected: set[tuple[str, View]] = set()
        self._detector_about = detector.describe()
        first = {"version": FIRST_LOOK_VERSION}
        self._look_about = (first, first | {"second_look": second_look.describe()})
        self._memory = MemoryBudget(MEMORY)
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

    def one(self, image: EncodedImage, view: View = "as_is", encode: bool = False, people: int = 0) -> Analysis:
        """A single image."""
        return self._chunk([Job(None, image, view, encode, people)])[0]

    def describe_detection(self) -> dict[str, Any]:
        """Everything the faces of an image depend on, for run.json."""
        return self._detector_about | {"second_look": second_look.describe(), "decode": DECODE_VERSION}

    def _chunk(self, jobs: Sequence[Job[Any]]) -> list[Analysis]:
        works = [self._known(job) for job in jobs]
        missing = iter(self._anew([job for job, work in zip(jobs, works, strict=True) if work is None]))
        return [self._analysis(work if work is not None else next(missing)) for work in works]

    def _anew(self, jobs: Sequence[Job[Any]]) -> Iterator[_Work]:
        """Images that must be looked at, as many together as fit into memory."""
        for part, needed in _parts(jobs):
            with self._memory.taken(needed):
                works = [self._start(job) for job in part]
                self._look_at(works)
                for work in works:
                    work.pixels, work.data = None, b""
            yield from works

    def _look_at(self, works: Sequence[_Work]) -> None:
        """Detect, embed and encode what is still missing."""
        for work in works:
            if work.error is None:
                self._guarded(work, self._detect)
        readable = [work for work in works if work.error is None]
        for recognizer in self.recognizers:
            self._embed(recognizer, readable)
        for encoder in self.encoders:
            self._encode(
                encoder,
                [w for w in readable if w.encode and w.error is None and encoder.name not in w.encodings],
            )

    def _analysis(self, work: _Work) -> Analysis:
        if work.error is not None:
            return Analysis(work.digest, error=work.error)
        faces = _faces(work, list(self._recognizer_about))
        for name, vectors in faces.embeddings.items():
            if reason := work.failures.get(name) or _unusable(vectors):
                self.recognizer_failures[name][work.name] = reason
        return Analysis(work.digest, faces, cached=self.cache is not None and not work.failures)

    def _known(self, job: Job[Any]) -> _Work | None:
        """An image that was analysed before and of which the cache has everything."""
        if not job.image.digest:
            return None
        work = _Work(job.image.digest, job.image.name, b"", job.view, job.people, encode=job.encode)
        self._recall(work)
        if not self._complete(work):
            return None
        self._remark(work)
        return work

    def _start(self, job: Job[Any]) -> _Work:
        try:
            data = job.image.read()
        except UnreadableImageError as error:
            return _Work("", job.image.name, b"", job.view, error=str(error))
        work = _Work(digest_of(data), job.image.name, data, job.view, job.people, encode=job.encode)
        self._remark(work)
        self._recall(work)
        return work

    def _remark(self, work: _Work) -> None:
        """Note what is odd about an image; the cache keeps it only of those of which there is something."""
        key = key_of({"remarks": work.digest, "decode": DECODE_VERSION})
        if work.data:
            found = remarks_of(work.data)
            if found:
                self._store(key, **{kind: np.array(found.get(kind, "")) for kind in KINDS})
        else:
            kept = (self.cache.load(key, *KINDS) if self.cache is not None else None) or {}
            found = {kind: str(remark) for kind, remark in kept.items() if str(remark)}
        self.remarks.add(work.name, found)

    @staticmethod
    def _guarded(work: _Work, step: Callable[[_Work], object]) -> None:
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
        while len(work.looks) < work.looks_needed:
            pixels = work.load_pixels()
            found = (
                second_look.new_faces(self.detector, pixels, work.looks[0].found)
                if work.looks
                else self.detector.detect(pixels).with_possible_landmarks()
            )
            look = _Look(found, luma(_crops(pixels, found, ARCFACE_112)))
            self._detected.add((work.digest, work.view))
            self._store(
                self._detection_key(work, len(work.looks)),
                size=np.array(work.size), boxes=found.boxes, landmarks=found.landmarks,
                scores=found.scores, luma=look.luma,
            )  # fmt: skip
            work.looks.append(look)

    def _embed(self, recognizer: Recognizer, works: Sequence[_Work]) -> None:
        ready: list[tuple[_Work, int, RGB]] = []

        def cut(work: _Work) -> None:
            for i, look in enumerate(work.looks):
                if look.lacks(recognizer.name):
                    ready.append((work, i, _crops(work.load_pixels(), look.found, recognizer.alignment)))

        for work in works:
            self._guarded(work, cut)
        ready = [item for item in ready if item[0].error is None]
        fault = self.recognizer_faults.get(recognizer.name)
        crops = [part for _, _, part in ready]
        answers = [ValueError(fault) for _ in crops] if fault else _embeddings(recognizer, crops)
        for (work, i, part), answer in zip(ready, answers, strict=True):
            if isinstance(answer, Exception):
                work.failures[recognizer.name] = _first_line(answer)
                work.looks[i].embeddings[recognizer.name] = np.full((len(part), 1), np.nan, np.float32)
            else:
                work.looks[i].embeddings[recognizer.name] = answer
                self._store(self._embedding_key(work, i, recognizer.name), embeddings=answer)

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
        while len(work.looks) < work.looks_needed:
            i = len(work.looks)
            kept = self.cache.load(self._detection_key(work, i), "size", "boxes", "landmarks", "scores", "luma")
            if kept is None:
                break
            work.size = (int(kept["size"][0]), int(kept["size"][1]))
            look = _Look(Detections(kept["boxes"], kept["landmarks"], kept["scores"]), kept["luma"])
            work.looks.append(look)
            for name in self._recognizer_about:
                if part := self.cache.load(self._embedding_key(work, i, name), "embeddings"):
                    look.embeddings[name] = part["embeddings"]
        if work.looks:
            for name in self._encoder_about:
                if kept := self.cache.load(self._encoding_key(work, name), "encoding"):
                    work.encodings[name] = kept["encoding"]

    def _complete(self, work: _Work) -> bool:
        encoded = not work.encode or work.encodings.keys() == self._encoder_about.keys()
        embedded = not any(look.lacks(name) for look in work.looks for name in self._recognizer_about)
        return encoded and embedded and len(work.looks) == work.looks_needed

    def _store(self, key: str, **arrays: Any) -> None:
        if self.cache is not None:
            self.cache.save(key, arrays)

    def _image_key(self, work: _Work) -> dict[str, Any]:
        return {"image": work.digest, "decode": DECODE_VERSION, "view": work.view}

    def _detection_key(self, work: _Work, look: int) -> str:
        return key_of({**self._image_key(work), "detector": self._detector_about, "look": self._look_about[look]})

    def _embedding_key(self, work: _Work, look: int, name: str) -> str:
        about = {"detector": self._detector_about, "look": self._look_about[look]}
        return key_of({**self._image_key(work), **about, "recognizer": self._recognizer_about[name]})

    def _encoding_key(self, work: _Work, name: str) -> str:
        return key_of({**self._image_key(work), "encoder": self._encoder_about[name]})


def _parts(jobs: Sequence[Job[Any]]) -> Iterator[tuple[list[Job[Any]], int]]:
    """Jobs in parts that need no more than `MEMORY` together, save single ones that need more, and what each needs."""
    part: list[Job[Any]] = []
    total = 0
    for job in jobs:
        needed = _memory_of(job)
        if part and total + needed > MEMORY:
            yield part, total
            part, total = [], 0
        part.append(job)
        total += needed
    if part:
        yield part, total


def _memory_of(job: Job[Any]) -> int:
    """Bytes that an image takes up while it is decoded and looked at, roughly."""
    width, height = size_of(job.image) or (0, 0)
    pixels = BYTES_PER_PIXEL * min(width * height, MAX_PIXELS)
    padded = 3 * int(1.5 * max(width, height)) ** 2 if job.view == "padded" else 0
    return job.image.encoded_size() + pixels + padded


def _crops(pixels: RGB, found: Detections, alignment: Alignment) -> RGB:
    crops = [alignment.crop(pixels, b, m) for b, m in zip(found.boxes, found.landmarks, strict=True)]
    return np.stack(crops) if crops else np.empty((0, alignment.size, alignment.size, 3), np.uint8)


def _embeddings(recognizer: Recognizer, crops: list[RGB]) -> list[Float | Exception]:
    """Embeddings of each image's crops. Where the network fails on all together, every image is tried alone.

    A failure is the recognizer's alone: other recognizers and the image are not touched, nothing is cached.
    """
    counts = [len(part) for part in crops]
    if not crops:
        return []
    try:
        vectors = np.asarray(recognizer.embed(np.concatenate(crops)))
        if vectors.ndim != 2 or len(vectors) != sum(counts):
            raise ValueError(f"expected ({sum(counts)}, d) embeddings, found {vectors.shape}")
        return list(np.split(vectors, np.cumsum(counts)[:-1]))
    except Exception as error:  # runtimes raise classes of their own
        if len(crops) == 1:
            return [error]
        return [vectors for part in crops for vectors in _embeddings(recognizer, [part])]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _for_key(about: dict[str, Any]) -> dict[str, Any]:
    """What a description says, less what cannot change a value."""
    return {key: value for key, value in about.items() if key not in ("licence", "pack")}


def _faces(work: _Work, recognizers: Sequence[str]) -> Faces:
    """The faces of all looks, in order."""
    return Faces(
        *work.size,
        Detections.joined([look.found for look in work.looks]),
        np.concatenate([look.luma for look in work.looks]),
        {name: _joined([look.embeddings[name] for look in work.looks if len(look.found)]) for name in recognizers},
        work.encodings,
        first_look=len(work.looks[0].found),
    )


def _joined(parts: Sequence[Float]) -> Float:
    """Embeddings (n, d) of all parts; a part that could not be embedded is NaN as wide as the others."""
    width = max((part.shape[1] for part in parts), default=0)
    wide = [part if part.shape[1] == width else np.full((len(part), width), np.nan, np.float32) for part in parts]
    return np.concatenate(wide) if wide else np.empty((0, 0), np.float32)


def _unusable(vectors: Float) -> str | None:
    """What is wrong with embeddings (n, d) that cannot be compared; None where nothing is."""
    if not vectors.size:
        return None
    nan = int((~np.isfinite(vectors)).any(axis=1).sum())
    zero = int((vectors == 0).all(axis=1).sum())
    named = [f"{what} for {count}" for what, count in (("no finite vector", nan), ("zeros", zero)) if count]
    return f"gave {' and '.join(named)} of {len(vectors)} faces" if named else None
