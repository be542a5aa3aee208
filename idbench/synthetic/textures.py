"""Seamless noise, the same on every machine: what makes skin skin and hair strands."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from idbench.synthetic.surfaces import Float

__all__ = ["coarse", "fine", "sample"]


SIZE = 512


def _layered(seed: int, layers: tuple[tuple[int, float], ...]) -> Float:
    """Sum of smooth random tiles (SIZE, SIZE), mean 0 and deviation 1; `layers` are (cells, weight)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((SIZE, SIZE), np.float32)
    for cells, weight in layers:
        tile = np.pad(rng.random((cells, cells), np.float32), 2, mode="wrap")
        scale = SIZE // cells
        large = cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += weight * (large[2 * scale :, 2 * scale :][:SIZE, :SIZE] - 0.5)
    return np.asarray((total - total.mean()) / total.std(), np.float32)


@cache
def coarse() -> Float:
    """Blotches of many sizes."""
    return _layered(7, ((8, 1.0), (16, 0.7), (32, 0.5), (64, 0.4), (128, 0.3), (256, 0.3)))


@cache
def fine() -> Float:
    """Pores and single hairs."""
    return _layered(8, ((128, 0.6), (256, 1.0)))


def sample(texture: Float, x: Float, y: Float) -> Float:
    """Bilinear values (n,) of a wrapping texture at (n,) coordinates in texels."""
    count, row = len(x), 8192
    folded = [
        np.pad(np.mod(values, SIZE).astype(np.float32), (0, -count % row)).reshape(-1, min(row, max(count, 1)))
        if count >= row
        else np.mod(values, SIZE).astype(np.float32)[None]
        for values in (x, y)
    ]
    values = cv2.remap(texture, folded[0], folded[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(values.ravel()[:count], np.float32)
