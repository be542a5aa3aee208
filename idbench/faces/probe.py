"""A recognizer is tried on two drawn faces and on noise when it is opened, so that one that can measure nothing is
known at once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idbench.errors import WeightsError
from idbench.faces.types import Recognizer
from idbench.images import RGB
from idbench.metrics import cosine_matrix

__all__ = ["fault_of"]

MAX_COSINE = 0.9999
"""Cosine between faces that differ in everything, above which a network tells nobody from anybody."""


def fault_of(recognizer: Recognizer) -> str | None:
    """What is wrong with what a recognizer answers; None where nothing is.

    Raises `WeightsError` if it does not answer at all, or not with one vector per face.
    """
    size = recognizer.alignment.size
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    faces = np.stack([*(_drawn_face(size, kind) for kind in range(2)), noise])
    try:
        vectors = np.asarray(recognizer.embed(faces))
    except Exception as error:  # runtimes raise classes of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise WeightsError(f"recognizer {recognizer.name} fails on any face ({reason})") from error
    if vectors.ndim != 2 or len(vectors) != len(faces):
        raise WeightsError(
            f"recognizer {recognizer.name}: expected one vector (n, d) per face, "
            f"found {vectors.shape} for {len(faces)} faces"
        )
    if not np.isfinite(vectors).all(axis=1).any():
        return "its network gives NaN or infinite numbers for any face"
    if not vectors.any():
        return "its network gives zeros for any face"
    if np.abs(vectors[0] - vectors[1]).max() <= 1e-6 * np.abs(vectors).max():
        return "its network gives the same vector for any face"
    if (cosine := _lowest_cosine(vectors)) > MAX_COSINE:
        return f"its network gives nearly the same direction for any face (cosine {cosine:.6f})"
    return None


def _lowest_cosine(vectors: npt.NDArray[Any]) -> float:
    """Of any two of the vectors (n, d) that have a direction; -1 where there are not two."""
    usable = vectors[np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)]
    return float(cosine_matrix(usable, usable).min()) if len(usable) > 1 else -1.0


def _drawn_face(size: int, kind: int) -> RGB:
    """Two faces, (size, size, 3), that no network takes for one another: round on grey, and long on brown."""
    ground, skin, dark = (((128, 128, 128), (190, 150, 130), 60), ((90, 70, 50), (120, 90, 75), 30))[kind]
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = ground
    centre, unit = (size // 2, size // 2), size / 112
    cv2.ellipse(picture, centre, (round((46, 36)[kind] * unit), round(52 * unit)), 0, 0, 360, skin, -1)
    for x, y, radius in ((38, 52, 6), (74, 52, 6), (56, 72, 4), (56, 92, 9 + 4 * kind)):
        cv2.circle(picture, (round(x * unit), round(y * unit)), round(radius * unit), (dark, dark, dark), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2 * unit), np.uint8)
