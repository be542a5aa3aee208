"""Thumbnails for the report, kept in the run directory so that a report can be made again anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pandas as pd

from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, decode, digest_of, encode_jpeg
from idbench.progress import Progress
from idbench.shown_cases import LONGEST_SIDE, choose_cases
from idbench.store import write_bytes
from idbench.suites import SuiteIndex

__all__ = ["lacking_thumbnails", "make_thumbnails"]


def lacking_thumbnails(run: Path, index: SuiteIndex, limit: int) -> set[str]:
    """Cases whose photos the gallery shows and has no thumbnails of."""
    return {case_id for case_id, photo in _suite_photos(index, limit) if not _place(run, photo.digest or "").exists()}


def make_thumbnails(run: Path, index: SuiteIndex, limit: int, progress: Progress) -> None:
    """Write `thumbs/<digest>.jpg`, at most 320 px, for every image the gallery shows. Photos of the suite are read
    where they have none yet."""
    images = pd.read_parquet(run / "images.parquet", columns=["case", "digest", "path"])
    chosen = set(choose_cases(index.ids, limit))
    shown = images[images["case"].isin(chosen)][["digest", "path"]].dropna()
    for digest, path in shown.itertuples(index=False):
        _make(run, EncodedImage(path, path=Path(path)), digest)
    photos = list(_suite_photos(index, limit))
    for done, (_, photo) in enumerate(photos, start=1):
        _make(run, photo, photo.digest or "")
        progress("gallery", done, len(photos))


def _suite_photos(index: SuiteIndex, limit: int) -> Iterator[tuple[str, EncodedImage]]:
    """Photos of the suite that the gallery shows, with their cases: those of the cases chosen, and the strangers' that
    stand in for theirs."""
    for case_id in choose_cases(index.ids, limit):
        yield from ((case_id, photo) for photo in index.entries[case_id].case.images() if photo.digest)
        other = index.stranger(case_id)
        target = index.entries[other].case.target if other is not None else None
        if other is not None and target is not None and target.digest:
            yield other, target


def _place(run: Path, digest: str) -> Path:
    return run / "thumbs" / f"{digest}.jpg"


def _make(run: Path, image: EncodedImage, digest: str) -> None:
    path = _place(run, digest)
    if path.exists():
        return
    try:
        data = image.read()
        if digest_of(data) != digest:  # the file changed since it was scored
            return
        pixels = decode(data, image.name)
    except UnreadableImageError:
        return
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    write_bytes(path, encode_jpeg(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), quality=80))
