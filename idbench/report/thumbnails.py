"""The run's thumbnails, as data URIs that the page holds once each."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

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
        """The thumbnail of an image, or None if the run has none that can be shown.

        Raises `RunError` for a file that may not be read.
        """
        if digest is None:
            return None
        if digest not in self._known:
            self._known[digest] = self._read(digest)
        return self._known[digest]

    def _read(self, digest: str) -> Thumbnail | None:
        for run in self._runs:
            encoded = read_thumbnail(run, digest)
            if encoded is not None and (size := _size(encoded)) is not None:
                uri = "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
                return Thumbnail(f"i{len(self._known)}", *size, uri)
        return None


def read_thumbnail(run: Path, digest: str) -> bytes | None:
    """An image's thumbnail, encoded; None if the run has none. Raises `RunError` for a file that may not be read."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return read_inside(run, f"thumbs/{digest}.jpg", MAX_BYTES)
    except FileNotFoundError:
        return None


def _size(encoded: bytes) -> tuple[int, int] | None:
    """Width and height; None for what is no thumbnail."""
    try:
        with Image.open(BytesIO(encoded), formats=["JPEG"]) as image:
            size = image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return size if max(size) <= LONGEST_SIDE else None
