"""Thumbnails for the report, kept in the run directory so that a report can be made again anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd

from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, decode, digest_of, encode_jpeg
from idbench.store import write_bytes
from idbench.suites import Suite

__all__ = ["choose_cases", "make_thumbnails"]

LONGEST_SIDE = 320


def choose_cases(case_ids: list[str], most: int) -> list[str]:
    """At most `most` cases, chosen by a hash of their ids: the same for every model, nobody's pick."""
    if len(case_ids) <= most:
        return sorted(case_ids)
    by_hash = sorted(case_ids, key=lambda case_id: hashlib.sha256(case_id.encode()).hexdigest())
    return sorted(by_hash[:most])


def make_thumbnails(run: Path, suite: Suite, most: int, progress: Callable[[str, int, int], None]) -> None:
    """Write `thumbs/<digest>.jpg`, at most 320 px, for every image the gallery shows."""
    images = pd.read_parquet(run / "images.parquet", columns=["case", "digest", "path"])
    chosen = set(choose_cases(list(images["case"].unique()), most))
    shown = images[images["case"].isin(chosen)]
    wanted = set(shown["digest"].dropna())
    folder = run / "thumbs"
    for digest, path in shown[["digest", "path"]].dropna().itertuples(index=False):
        _thumbnail(folder, EncodedImage(path, path=Path(path)), digest)
    done = 0
    for done, case in enumerate(suite.cases(), start=1):
        for image in case.images():
            if case.id in chosen or wanted:
                _suite_thumbnail(folder, image, case.id in chosen, wanted)
        progress("gallery", done, suite.count)
    progress("gallery", done, done)


def _suite_thumbnail(folder: Path, image: EncodedImage, chosen: bool, wanted: set[str]) -> None:
    """A suite photo is shown where its case is, or where an oracle gave it back elsewhere."""
    try:
        digest = digest_of(image.read())
    except UnreadableImageError:
        return
    if chosen or digest in wanted:
        _thumbnail(folder, image, digest)


def _thumbnail(folder: Path, image: EncodedImage, digest: str) -> None:
    path = folder / f"{digest}.jpg"
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
