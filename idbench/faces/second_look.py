"""A second look at an image in which the detector found fewer faces than people.

Detectors that see an image at one size miss faces that fill it and faces that are small in it. So the image is shown to
the detector again, in the middle of a black square, and in overlapping tiles where it is large. What the first look
found stays as it is; what is new is added after it.

On the photos of real-mini with SCRFD at 640 px: squares of 0.8 to 1.1 face heights cut around a face are all missed as
they are and all found on a square of twice their side, with scores of .74 to .9 (a square of 1.5 sides misses a quarter
at 0.8 face heights). Faces of 50 px and more in pictures of 6000 px are all found in tiles, with scores of .68 to .87.
Heads blurred beyond recognition are taken for faces with scores up to .69, which is why `MIN_SCORE` is what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idbench.faces.types import Detections, Detector
from idbench.images import RGB

__all__ = ["describe", "new_faces", "pad_to_square"]

VERSION = 1
"""Raise it when a second look finds other faces in the same image."""

PADDING = 2.0
"""Side of the black square over the longer side of the image."""

MAX_SIDE = 1280
"""Longer side, in pixels, to which a larger image is shrunk before it is padded, and above which there are tiles."""

TILES = 4
"""Tiles have `1 / TILES` of the longer side, and `MAX_SIDE` at least."""

OVERLAP = 0.25
"""Share of its side by which a tile reaches into the next, at least: faces up to that size are whole in one of them."""

MIN_SCORE = 0.7
"""Detection score from which a face of the second look counts."""

SAME_FACE = 0.4
"""Share of the smaller of two boxes from which, covered by the other, both are taken for one face."""


def describe() -> dict[str, Any]:
    """What the faces of a second look depend on, for cache keys and run.json."""
    return {
        "version": VERSION,
        "padding": PADDING,
        "max_side": MAX_SIDE,
        "tiles": TILES,
        "overlap": OVERLAP,
        "min_score": MIN_SCORE,
        "same_face": SAME_FACE,
    }


def pad_to_square(pixels: RGB, ratio: float = 1.5) -> RGB:
    """Centre an RGB image on a black square of `ratio` times its longer side (rounded down)."""
    height, width = pixels.shape[:2]
    side = int(max(height, width) * ratio)
    canvas = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def new_faces(detector: Detector, pixels: RGB, known: Detections) -> Detections:
    """Faces of an RGB image that are not among `known`, most certain first, in pixels of the image."""
    found = Detections.joined([view.detect(detector) for view in _views(pixels)])
    height, width = pixels.shape[:2]
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    inside = ((centres >= 0) & (centres < (width, height))).all(axis=1)
    order = np.argsort(-found.scores, kind="stable")
    kept: list[int] = []
    for i in order[(inside & (found.scores >= MIN_SCORE))[order]]:
        if not _covered(found.boxes[i], np.concatenate([known.boxes, found.boxes[kept]])):
            kept.append(int(i))
    return found.chosen(kept)


@dataclass(frozen=True)
class _View:
    """What the detector is shown; a point (x, y) of it lies at `scale * (x, y) + shift` in the image.

    `inner` (left, top, right, bottom) says which of its edges cut through the image.
    """

    pixels: RGB
    scale: float
    shift: tuple[float, float]
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)

    def detect(self, detector: Detector) -> Detections:
        """Faces in pixels of the image, less those that an inner edge cuts."""
        found = detector.detect(self.pixels).with_possible_landmarks()
        height, width = self.pixels.shape[:2]
        gaps = np.stack([*found.boxes[:, :2].T, *((width, height) - found.boxes[:, 2:]).T], axis=1)
        whole = ~((gaps <= 1) & np.array(self.inner)).any(axis=1)
        shift = np.array(self.shift, np.float32)
        scale = np.float32(self.scale)
        moved = Detections(found.boxes * scale + np.tile(shift, 2), found.landmarks * scale + shift, found.scores)
        return moved.chosen(np.flatnonzero(whole))


def _views(pixels: RGB) -> Iterator[_View]:
    """The padded image; then, of a large one, its tiles by row and column."""
    yield _padded(pixels)
    height, width = pixels.shape[:2]
    if max(height, width) <= MAX_SIDE:
        return
    side = max(MAX_SIDE, -(-max(height, width) // TILES))
    for top in _starts(height, side):
        for left in _starts(width, side):
            right, bottom = min(left + side, width), min(top + side, height)
            inner = (left > 0, top > 0, right < width, bottom < height)
            yield _View(np.ascontiguousarray(pixels[top:bottom, left:right]), 1.0, (left, top), inner)


def _padded(pixels: RGB) -> _View:
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / MAX_SIDE)
    small = pixels
    if scale > 1:
        size = max(1, round(width / scale)), max(1, round(height / scale))
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    square = pad_to_square(small, PADDING)
    left, top = ((square.shape[0] - side) // 2 for side in (small.shape[1], small.shape[0]))
    return _View(square, scale, (-scale * left, -scale * top))


def _starts(length: int, side: int) -> list[int]:
    """Where tiles of `side` begin on an axis of `length` pixels, evenly spread."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - OVERLAP)))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


def _covered(box: npt.NDArray[Any], others: npt.NDArray[Any]) -> bool:
    """Whether a box (4,) and one of `others` (n, 4) are one face."""
    if not len(others):
        return False
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = np.minimum((others[:, 2:] - others[:, :2]).prod(axis=1), (box[2:] - box[:2]).prod())
    return bool((shared > SAME_FACE * np.maximum(areas, 1e-6)).any())
