"""The run's thumbnails, as data URIs that the page holds once each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

__all__ = ["Thumbnail", "Thumbnails"]


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
        self._folders = [run / "thumbs" for run in runs]
        self._known: dict[str, Thumbnail | None] = {}

    @property
    def used(self) -> list[Thumbnail]:
        """Every thumbnail the gallery refers to."""
        return [one for one in self._known.values() if one is not None]

    def get(self, digest: str | None) -> Thumbnail | None:
        """The thumbnail of an image, or None if the run has none that can be read."""
        if digest is None or not digest.isalnum():
            return None
        if digest not in self._known:
            self._known[digest] = self._read(digest)
        return self._known[digest]

    def _read(self, digest: str) -> Thumbnail | None:
        for folder in self._folders:
            try:
                encoded = (folder / f"{digest}.jpg").read_bytes()
                with Image.open(BytesIO(encoded), formats=["JPEG"]) as image:
                    width, height = image.size
            except (OSError, ValueError, Image.DecompressionBombError):
                continue
            uri = "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
            return Thumbnail(f"i{len(self._known)}", width, height, uri)
        return None
