"""A job as it is handed to a process: nothing in it leads to the suite.

The process is told an opaque case id and paths of copies, `ref_1.jpg`, `ref_2.png`, ..., in a folder that holds nothing
else; the image it makes has a folder of its own as well. What the process says is read back into the suite's names.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, decode, digest_of, encode_png
from idbench.models.base import Job
from idbench.platform import kill_marked
from idbench.store import disk_errors, key_of, write_bytes

__all__ = ["WORKPLACE", "HandedJob", "opaque_case", "read_back", "remove_workplaces", "workplace"]

COPIED = {"JPEG": ".jpg", "PNG": ".png"}
"""Formats, by Pillow's names, whose files are copied byte for byte where they hold nothing but pixels."""

SEGMENTS = ("APP0", "APP2", "APP14")
"""Segments of a JPEG file that belong to its pixels: JFIF, ICC profile, Adobe."""

CHUNKS = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs"),
    *(b"acTL", b"fcTL", b"fdAT"),
)
"""Chunks of a PNG file that belong to its pixels."""


WORKPLACE = "IDBENCH_WORKPLACE"
"""Environment variable by which processes, and what these start, name the folder that their jobs are handed over in."""


@contextmanager
def workplace(scratch: Path) -> Iterator[Path]:
    """A folder for what processes are handed, among the system's temporary files: no folder above it is the run's.

    `scratch` : the run's own folder for temporary files, by which leftovers of a killed run are known and deleted.
    """
    remove_workplaces(scratch)
    with disk_errors(Path(tempfile.gettempdir())):
        place = Path(tempfile.mkdtemp(prefix=_prefix(scratch)))  # readable by its owner alone
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove_workplaces(scratch: Path) -> None:
    """Remove what a killed run with this folder for temporary files left: processes that outlived it and what they were
    handed. Only for who holds the run's lock."""
    for left in Path(tempfile.gettempdir()).glob(f"{_prefix(scratch)}*"):
        kill_marked(WORKPLACE, left.absolute())
        shutil.rmtree(left, ignore_errors=True)


def _prefix(scratch: Path) -> str:
    return f"idbench-{digest_of(str(scratch.absolute()).encode())[:16]}-"


@dataclass(frozen=True)
class HandedJob:
    """A job in a folder of its own.

    Parameters
    ----------
    message : what the process is told.
    image : where it is to write the image.
    names : what the suite calls things, by what the process calls them.
    """

    message: dict[str, Any]
    image: Path
    names: Mapping[str, str]

    @classmethod
    def at(cls, folder: Path, number: int, job: Job) -> HandedJob:
        """Copy the references of a job below `folder`, which is created; `number` names the job in messages."""
        with disk_errors(folder):
            (folder / "references").mkdir(parents=True)
        names: dict[str, str] = {}
        people: list[dict[str, Any]] = []
        for person in job.people:
            copies = []
            for photo in person.references:
                copies.append(_copy(photo, folder / "references" / f"ref_{len(names) + 1}"))
                names[copies[-1]] = photo.path.name if photo.path is not None else photo.name
            people.append({"references": copies, "box": person.box})
        case, image = opaque_case(job), folder / "image.png"
        message = {
            "id": number,
            "case": case,
            "prompt": job.prompt,
            "people": people,
            "canvas": job.canvas,
            "seed": job.seed,
            "parameters": dict(job.parameters),
            "output": str(image),
        }
        return cls(message, image, names | {Path(path).name: name for path, name in names.items()} | {case: job.case})

    def forget(self) -> None:
        """Delete its folder with everything in it."""
        shutil.rmtree(self.image.parent, ignore_errors=True)


def opaque_case(job: Job) -> str:
    """What a process knows a case by: 16 hexadecimal digits that follow from what the process is told of the case, its
    prompt, references, boxes and canvas, and so are the same in every run and tell it nothing more."""
    people = [{"references": list(map(_digest, one.references)), "box": one.box} for one in job.people]
    return key_of({"prompt": job.prompt, "people": people, "canvas": job.canvas})[:16]


def read_back(text: str, jobs: Iterable[HandedJob]) -> str:
    """A text of a process with the suite's names in it; names that mean different things in several jobs stay."""
    names: dict[str, set[str]] = {}
    for job in jobs:
        for opaque, name in job.names.items():
            names.setdefault(opaque, set()).add(name)
    clear = {opaque: found.pop() for opaque, found in names.items() if len(found) == 1}
    words = "|".join(re.escape(opaque) for opaque in sorted(clear, key=len, reverse=True))
    return re.sub(words, lambda match: clear[match[0]], text) if clear else text


def _digest(photo: EncodedImage) -> str:
    if photo.digest is not None:
        return photo.digest
    try:
        return digest_of(photo.read())
    except UnreadableImageError:
        return ""


def _copy(photo: EncodedImage, place: Path) -> str:
    """Write a copy of a photo at `place` with the suffix that fits; where it cannot be read there is none."""
    try:
        data, suffix = _plain(photo.read())
    except UnreadableImageError:
        return str(place)
    path = place.with_suffix(suffix)
    write_bytes(path, data)
    return str(path)


@lru_cache(maxsize=8)  # the seeds of a case come one after the other
def _plain(data: bytes) -> tuple[bytes, str]:
    """A photo without metadata, and its suffix: a JPEG or PNG file without any as it is, otherwise the pixels, upright
    and in sRGB, as PNG. A file that is no image stays as it is."""
    suffix = _suffix_as_it_is(data)
    if suffix is not None:
        return data, suffix
    try:
        return encode_png(decode(data)), ".png"
    except UnreadableImageError:
        return data, ""


def _suffix_as_it_is(data: bytes) -> str | None:
    """The suffix of a JPEG or PNG file without metadata, else None."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(COPIED)) as photo:
            form = str(photo.format)
            parts = {name for name, _ in getattr(photo, "applist", ())} - set(SEGMENTS)
    except Exception:  # damaged files raise anything
        return None
    parts |= set(_chunks(data)) - set(CHUNKS) if form == "PNG" else set()
    return None if parts else COPIED.get(form)


def _chunks(data: bytes) -> Iterator[bytes]:
    """Names of a PNG file's chunks."""
    at = 8
    while at + 8 <= len(data):
        yield data[at + 4 : at + 8]
        at += 12 + int.from_bytes(data[at : at + 4], "big")
