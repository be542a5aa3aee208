"""Pictures of synthetic people, drawn once and kept on disk with the truth about their faces.

Drawing is arithmetic in Python, so processes share it. A picture's file is named by everything it is
drawn from: whoever calibrates another recognizer into the same folder draws nothing again.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic_core import to_jsonable_python

from idbench.images import EncodedImage, digest_of, encode_jpeg
from idbench.platform import usable_cores
from idbench.schema import Box
from idbench.store import key_of, write_bytes, write_json
from idbench.synthetic import RENDER_VERSION, Picture

__all__ = ["Drawing", "Drawn", "Key", "Progress", "draw"]

Key = tuple[str | int, ...]
"""What a picture is for: ("photo", case, person, number), ("answer", model, case) or ("view", case, yaw)."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Drawing:
    """A picture that can be drawn: `make(*arguments)` gives it.

    `make` is a function of a module and the arguments are records, dataclasses of records or numbers, so
    that another process can be sent both and a file be named after them.
    """

    make: Callable[..., Picture]
    arguments: tuple[Any, ...]

    @cached_property
    def key(self) -> str:
        """Names everything the picture depends on."""
        what = f"{self.make.__module__}.{self.make.__qualname__}"
        return key_of({"make": what, "arguments": to_jsonable_python(self.arguments), "version": RENDER_VERSION})


@dataclass(frozen=True)
class Drawn:
    """A picture on disk. boxes and landmarks (n, 5, 2) are the rendered truth, in the order of the people drawn."""

    path: Path
    boxes: tuple[Box, ...]
    landmarks: npt.NDArray[np.float32]

    def image(self, name: str) -> EncodedImage:
        """The picture as the pipeline takes it; `name` is what messages call it."""
        return EncodedImage(name, path=self.path)


def draw(drawings: Mapping[Key, Drawing], folder: Path, workers: int | None, progress: Progress) -> dict[Key, Drawn]:
    """Draw what is not in `folder` yet, equal drawings once.

    workers : processes; None means one per usable core. Pictures do not depend on it.
    """
    missing = {d.key: d for d in drawings.values() if not _whole(folder, d.key)}
    progress("pictures drawn", 0, len(missing))
    for done, _ in enumerate(_drawn(missing, folder, workers or usable_cores()), start=1):
        progress("pictures drawn", done, len(missing))
    return {which: _load(folder, drawing.key) for which, drawing in drawings.items()}


def _drawn(missing: Mapping[str, Drawing], folder: Path, workers: int) -> Iterator[None]:
    jobs = [(drawing, folder) for drawing in missing.values()]
    if workers == 1 or len(jobs) < 2:
        yield from map(_draw, jobs)
        return
    # A fresh interpreter each: a forked one would inherit the locks of the networks' threads.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    try:
        yield from pool.map(_draw, jobs, chunksize=4)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Workers leave an interruption to the process that started them, and take one core each."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _draw(job: tuple[Drawing, Path]) -> None:
    """The note about a picture is written last, with the picture's digest."""
    drawing, folder = job
    picture = drawing.make(*drawing.arguments)
    data = encode_jpeg(picture.pixels)
    write_bytes(folder / f"{drawing.key}.jpg", data)
    faces = [{"box": face.box, "landmarks": face.landmarks.tolist()} for face in picture.faces]
    write_json(folder / f"{drawing.key}.json", {"digest": digest_of(data), "faces": faces})


def _whole(folder: Path, key: str) -> bool:
    """Whether a picture is there as it was drawn."""
    try:
        note = json.loads((folder / f"{key}.json").read_bytes())
        return bool(digest_of((folder / f"{key}.jpg").read_bytes()) == note["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _load(folder: Path, key: str) -> Drawn:
    faces = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))["faces"]
    landmarks = np.array([face["landmarks"] for face in faces], np.float32).reshape(-1, 5, 2)
    return Drawn(folder / f"{key}.jpg", tuple(tuple(face["box"]) for face in faces), landmarks)
