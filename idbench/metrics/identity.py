"""Similarity of face embeddings: cosine and the angle between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idbench.metrics.base import Array

__all__ = ["angle", "cosine", "cosine_matrix", "unit"]


def unit(vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Vectors (..., d) scaled to length 1, in float64; a zero or non-finite vector becomes nan.

    >>> unit([[3, 4], [0, 0]]).tolist()
    [[0.6, 0.8], [nan, nan]]
    """
    array = np.asarray(vectors, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = np.max(np.abs(array), axis=-1, keepdims=True, initial=0.0)
        scaled = array / np.where(largest > 0, largest, np.nan)
        result: npt.NDArray[np.float64] = scaled / np.linalg.norm(scaled, axis=-1, keepdims=True)
    return result


def cosine(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Cosine of the angle between two vectors (d,), in [-1, 1]; nan if either is zero or not finite.

    Raises `ValueError` if the lengths differ.

    Length does not matter, direction does:

    >>> round(cosine([1, 0], [7, 0]), 3), round(cosine([1, 0], [1, 1]), 3), cosine([1, 0], [0, 2])
    (1.0, 0.707, 0.0)
    """
    first, second = _pair(a, b)
    return float(np.clip(first @ second, -1.0, 1.0))


def cosine_matrix(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Cosines between the rows of a (n, d) and b (m, d): (n, m), in [-1, 1].

    >>> cosine_matrix([[1, 0], [0, 1]], [[1, 0], [3, 4], [-1, 0]]).round(3).tolist()
    [[1.0, 0.6, -1.0], [0.0, 0.8, 0.0]]
    """
    first, second = np.asarray(a), np.asarray(b)
    if len(first) == 0 or len(second) == 0:
        return np.empty((len(first), len(second)))
    return np.clip(unit(first) @ unit(second).T, -1.0, 1.0)


def angle(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Angle between two vectors (d,) in radians, [0, pi].

    2 atan2(|a - b|, |a + b|) for unit vectors: as accurate near 0 and pi as elsewhere, where arccos
    loses half the digits (Kahan 2006, "How futile are mindless assessments of roundoff", sec. 12).

    >>> import math
    >>> round(math.degrees(angle([1, 0], [0, 5])), 6), angle([1, 0], [1, 1e-9])
    (90.0, 1e-09)
    >>> math.acos(cosine([1, 0], [1, 1e-9]))  # the plain formula loses the small angle
    0.0
    """
    first, second = _pair(a, b)
    return float(2.0 * np.arctan2(np.linalg.norm(first - second), np.linalg.norm(first + second)))


def _pair(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Array, Array]:
    first, second = unit(a), unit(b)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"expected two vectors of one length, found shapes {first.shape} and {second.shape}")
    return first, second
