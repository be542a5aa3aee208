"""One-to-one assignment of faces to people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

__all__ = ["in_slot", "iou_matrix", "match"]


def match(similarity: npt.ArrayLike) -> list[tuple[int, int]]:
    """Pairs (row, column) of the assignment with the largest total, min(n, m) of them, by row.

    similarity : (n, m), finite. Hungarian algorithm (Kuhn 1955; scipy's Jonker-Volgenant variant).
    Raises `ValueError` if a value is not finite.

    Face 0 resembles person 0 most, and yet is person 1's: the total decides.

    >>> match([[0.9, 0.8], [0.7, 0.1]])
    [(0, 1), (1, 0)]

    Three faces, two people: one face is nobody's.

    >>> match([[0.1, 0.2], [0.9, 0.0], [0.0, 0.8]])
    [(1, 0), (2, 1)]
    """
    matrix = np.asarray(similarity, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise ValueError("similarities must be finite")
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True)]


def iou_matrix(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Intersection over union of boxes a (n, 4) and b (m, 4), x1 y1 x2 y2: (n, m), in [0, 1].

    >>> iou_matrix([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]]).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    first = np.asarray(a, np.float64).reshape(-1, 1, 4)
    second = np.asarray(b, np.float64).reshape(1, -1, 4)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.maximum(sides, 0).prod(axis=-1)
    area_a = (first[..., 2:] - first[..., :2]).prod(axis=-1)
    area_b = (second[..., 2:] - second[..., :2]).prod(axis=-1)
    whole = area_a + area_b - shared
    result: npt.NDArray[np.float64] = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return result


def in_slot(face: int, faces: npt.ArrayLike, box: npt.ArrayLike) -> bool:
    """Whether face number `face` is, of all faces (n, 4), the one whose centre is nearest to the box's centre.

    >>> left, right = [10, 10, 30, 30], [70, 10, 90, 30]
    >>> in_slot(0, [left, right], box=[0, 0, 40, 40]), in_slot(0, [left, right], box=[60, 0, 100, 40])
    (True, False)
    """
    centres = np.asarray(faces, np.float64).reshape(-1, 2, 2).mean(axis=1)
    centre = np.asarray(box, np.float64).reshape(2, 2).mean(axis=0)
    distances = np.linalg.norm(centres - centre, axis=1)
    return bool(distances[face] <= distances.min())
