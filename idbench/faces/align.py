"""Cutting faces out of images the way recognizers were trained to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from idbench.errors import ConfigError
from idbench.images import RGB

__all__ = ["ARCFACE_112", "ARCFACE_TEMPLATE", "Alignment", "similarity_transform"]

ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the five landmarks go in a 112 x 112 crop (the ArcFace training template, InsightFace)."""


def similarity_transform(source: npt.ArrayLike, goal: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Least-squares rotation, uniform scale and shift from points to points.

    source, goal : (n, 2), n >= 2. Returns (2, 3) with `goal ~ M[:, :2] @ p + M[:, 2]`.
    Raises `ValueError` if the source points coincide. Source: Umeyama 1991, eq. 40-42.
    """
    src, dst = np.asarray(source, np.float64), np.asarray(goal, np.float64)
    src_mean, dst_mean = src.mean(axis=0), dst.mean(axis=0)
    src_centred, dst_centred = src - src_mean, dst - dst_mean
    variance = (src_centred**2).sum() / len(src)
    if not variance > 0:
        raise ValueError("landmarks coincide")
    u, singular, vt = np.linalg.svd(dst_centred.T @ src_centred / len(src))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = (singular * sign).sum() / variance
    return np.column_stack([scale * rotation, dst_mean - scale * rotation @ src_mean])


@dataclass(frozen=True)
class Alignment:
    """How a face becomes a square crop.

    kind "arcface": similarity transform of five landmarks onto the ArcFace template; a size divisible
    by 128 shifts the template by 8/128 as InsightFace does. kind "box": the detection box grown by
    `margin` pixels of the crop, resized without keeping the aspect ratio, as facenet-pytorch does.
    """

    kind: Literal["arcface", "box"]
    size: int
    margin: int = 0

    def __post_init__(self) -> None:
        if self.kind == "arcface" and self.size % 112 and self.size % 128:
            raise ConfigError(f"arcface alignment needs a size divisible by 112 or 128, found {self.size}")
        if self.kind not in ("arcface", "box") or not 16 <= self.size <= 1024:
            raise ConfigError(f"alignment must be arcface or box with a size of 16 to 1024, found {self}")

    def describe(self) -> dict[str, Any]:
        """For cache keys and run.json."""
        return {"kind": self.kind, "size": self.size, "margin": self.margin}

    def crop(self, pixels: RGB, box: npt.NDArray[Any], landmarks: npt.NDArray[Any]) -> RGB:
        """The crop of one face: uint8 (size, size, 3); outside the image is black."""
        return self._by_landmarks(pixels, landmarks) if self.kind == "arcface" else self._by_box(pixels, box)

    def template(self) -> npt.NDArray[np.float64]:
        """Landmark positions in the crop, (5, 2)."""
        if self.size % 112 == 0:
            return ARCFACE_TEMPLATE * (self.size / 112)
        return (ARCFACE_TEMPLATE + [8.0, 0.0]) * (self.size / 128)

    def _by_landmarks(self, pixels: RGB, landmarks: npt.NDArray[Any]) -> RGB:
        matrix = similarity_transform(landmarks, self.template())
        return np.asarray(cv2.warpAffine(pixels, matrix, (self.size, self.size)), dtype=np.uint8)

    def _by_box(self, pixels: RGB, box: npt.NDArray[Any]) -> RGB:
        height, width = pixels.shape[:2]
        grow = self.margin * (box[2:] - box[:2]) / (self.size - self.margin) / 2
        x1, y1 = np.maximum(box[:2] - grow, 0).astype(int)
        x2, y2 = np.minimum(box[2:] + grow, [width, height]).astype(int)
        part = pixels[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        if part.size == 0:
            return np.zeros((self.size, self.size, 3), np.uint8)
        return np.asarray(cv2.resize(part, (self.size, self.size), interpolation=cv2.INTER_AREA), np.uint8)


ARCFACE_112 = Alignment("arcface", 112)
