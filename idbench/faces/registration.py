"""Bringing one face over another, to see whether a generated face is the reference photo in disguise.

A direct comparison of pixels (`ssim`) misses a paste that is mirrored, recoloured, relit or warped. Here the
reference, as it is and mirrored, is first brought onto the generated face by an affine transform, light is taken out,
and what remains is correlated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Registration", "correlations", "register"]

SIZE = 112
"""Aligned crops are squares of so many pixels."""
CONTRAST_SIGMA = 6.0
"""Pixels over which light and contrast are evened out."""
GREY_LEVELS = 4.0
"""Contrast below this (of 255) is noise and is not amplified."""
MAX_ITERATIONS = 40
"""Of the registration; it has converged or failed long before."""
MIN_SEEN = 0.7
"""Share of the face that the registered reference must cover."""

Float = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Registration:
    """A reference crop brought onto a generated one."""

    score: float
    """Correlation, -1 to 1; nan where a crop has no contrast."""
    mirrored: bool
    """Whether the reference lies there mirrored."""
    matrix: Float
    """(2, 3), from points of the generated crop to points of the (mirrored) reference crop."""

    def laid_over(self, reference: npt.ArrayLike) -> Pixels:
        """The reference crop (112, 112) as it lies over the generated one."""
        pixels = np.asarray(reference, np.uint8)
        turned = np.ascontiguousarray(pixels[:, ::-1] if self.mirrored else pixels)
        return np.asarray(_warp(turned, self.matrix), np.uint8)


def correlations(face: npt.ArrayLike, references: Iterable[npt.ArrayLike]) -> npt.NDArray[np.float64]:
    """Correlation of an aligned grey crop (112, 112), 0..255, with each of the reference crops, registered to it: (k,).

    In [-1, 1]: near 1 for the same photo however it was lit, coloured or turned round; two photos of one person give
    .3 to .8. nan where a crop has no contrast.

    >>> photo = (np.add.outer(np.sin(np.arange(112) / 5), np.cos(np.arange(112) / 7 + 1)) * 50 + 128).astype(np.uint8)
    >>> darker_and_mirrored = (photo[:, ::-1] * 0.6 + 10).astype(np.uint8)
    >>> correlations(darker_and_mirrored, [photo])[0] > 0.95
    True
    """
    return np.array([register(face, reference).score for reference in references], np.float64)


def register(generated: npt.ArrayLike, reference: npt.ArrayLike) -> Registration:
    """The better of two registrations of a reference crop (112, 112): as it is, and mirrored.

    Source: Evangelidis and Psarakis 2008 (ECC), affine. Deterministic.
    """
    return _register(_as_crop(generated).tobytes(), _as_crop(reference).tobytes())


@lru_cache(maxsize=512)
def _register(generated: bytes, reference: bytes) -> Registration:
    """Remembered, because every recognizer asks for the same crops."""
    face, photo = (
        np.frombuffer(crop, np.uint8).reshape(SIZE, SIZE).astype(np.float32) for crop in (generated, reference)
    )
    goal = _without_light(face)
    plain = _registered(goal, _without_light(photo), mirrored=False)
    turned = _registered(goal, _without_light(np.ascontiguousarray(photo[:, ::-1])), mirrored=True)
    return turned if turned.score > plain.score else plain


def _as_crop(crop: npt.ArrayLike) -> Pixels:
    pixels = np.ascontiguousarray(crop, np.uint8)
    if pixels.shape != (SIZE, SIZE):
        raise ValueError(f"expected a grey crop of shape ({SIZE}, {SIZE}), found {pixels.shape}")
    return pixels


def _without_light(crop: Float) -> Float:
    """Local contrast: each pixel against mean and spread of its surroundings."""
    mean = cv2.GaussianBlur(crop, (0, 0), CONTRAST_SIGMA)
    variance = cv2.GaussianBlur(crop * crop, (0, 0), CONTRAST_SIGMA) - mean * mean
    return np.asarray((crop - mean) / np.sqrt(np.maximum(variance, 0) + GREY_LEVELS**2), np.float32)


@cache
def _face() -> Pixels:
    """The ellipse of a face in an aligned crop (112, 112): 255 inside."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(mask, (SIZE // 2, 66), (38, 50), 0, 0, 360, 255, -1)
    return mask


def _registered(goal: Float, source: Float, mirrored: bool) -> Registration:
    """Registered where that succeeds and helps, else as the crops lie."""
    stay = np.eye(2, 3, dtype=np.float32)
    as_it_lies = Registration(_correlation(goal, source, _face()), mirrored, stay)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, MAX_ITERATIONS, 1e-4)
    try:
        _, found = cv2.findTransformECC(goal, source, stay.copy(), cv2.MOTION_AFFINE, stop, _face(), 3)
    except cv2.error:  # no convergence: the two have nothing in common
        return as_it_lies
    matrix = np.asarray(found, np.float32)
    seen = cv2.bitwise_and(_face(), _warp(np.full((SIZE, SIZE), 255, np.uint8), matrix, cv2.INTER_NEAREST))
    if np.count_nonzero(seen) < MIN_SEEN * np.count_nonzero(_face()):
        return as_it_lies
    moved = Registration(_correlation(goal, _warp(source, matrix), seen), mirrored, matrix)
    return moved if moved.score > as_it_lies.score else as_it_lies


def _warp(pixels: Values, matrix: Float, how: int = cv2.INTER_LINEAR) -> Values:
    return np.asarray(cv2.warpAffine(pixels, matrix, (SIZE, SIZE), flags=how | cv2.WARP_INVERSE_MAP))


def _correlation(a: Values, b: Values, mask: Values) -> float:
    """Pearson's r inside the mask; nan without contrast."""
    inside = mask > 0
    first, second = a[inside].astype(np.float64), b[inside].astype(np.float64)
    first, second = first - first.mean(), second - second.mean()
    length = np.sqrt((first @ first) * (second @ second))
    return float(np.clip(first @ second / length, -1, 1)) if length > 1e-6 else float("nan")
