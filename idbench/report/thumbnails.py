"""The run's thumbnails, as data URIs that the page holds once each."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from idbench.errors import RunError
from idbench.run_files import read_inside
from idbench.shown_cases import LONGEST_SIDE

__all__ = ["Thumbnail", "Thumbnails", "read_thumbnail"]

MAX_BYTES = 4 << 20
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Thumbnail:
    """An image that the page holds once; `key` is its element's id."""

    key: str
    width: int
    height: int
    uri: str


class Thumbnails:
    """The thumbnails of some run directories, each taken once, in the order of first use."""

    def __init__(self, runs: Sequence[Path]) -> None:
        self._runs = runs
        self._known: dict[str, Thumbnail | None] = {}

    @property
    def used(self) -> list[Thumbnail]:
        """Every thumbnail the gallery refers to."""
        return [one for one in self._known.values() if one is not None]

    def get(self, digest: str | None) -> Thumbnail | None:
        """The thumbnail of an image, or None if the run has none.

        Raises `RunError` for a file that may not be read, or that is no thumbnail.
        """
        if digest is None:
            return None
        if digest not in self._known:
            self._known[digest] = self._read(digest)
        return self._known[digest]

    def _read(self, digest: str) -> Thumbnail | None:
        for run in self._runs:
            if (encoded := read_thumbnail(run, digest)) is not None:
                width, height = _size(encoded, f"{run}/thumbs/{digest}.jpg")
                uri = "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
                return Thumbnail(f"i{len(self._known)}", width, height, uri)
        return None


def read_thumbnail(run: Path, digest: str) -> bytes | None:
    """An image's thumbnail, encoded; None if the run has none. Raises `RunError` for a file that may not be read."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return read_inside(run, f"thumbs/{digest}.jpg", MAX_BYTES)
    except FileNotFoundError:
        return None


def _size(encoded: bytes, name: str) -> tuple[int, int]:
    """Width and height. Raises `RunError` for what is no thumbnail."""
    try:
        with Image.open(BytesIO(encoded), formats=["JPEG"]) as image:
            size = image.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RunError(f"{name} is no JPEG; delete it, or run again to make it anew") from error
    if max(size) > LONGEST_SIDE:
        raise RunError(f"{name} has {size[0]} x {size[1]} pixels, and a thumbnail at most {LONGEST_SIDE} a side")
    return size
