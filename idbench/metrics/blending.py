"""Identity blending: how much each generated person looks like the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idbench.metrics.identity import cosine_matrix

__all__ = ["blending", "person_blending"]


def person_blending(generated: npt.ArrayLike, other_targets: npt.ArrayLike) -> float:
    """Mean cosine of one generated face (d,) to the targets (m, d) of the *other* people; nan for m = 0.

    >>> round(person_blending([1, 0], [[0, 1], [0.6, 0.8]]), 3)  # like the second of two others
    0.3
    """
    similarities = cosine_matrix(np.asarray(generated)[None], other_targets)
    return float(similarities.mean()) if similarities.size else float("nan")


def blending(generated: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Mean over i != j of cos(g_i, t_j), rows in the same order of people; nan for one person.

    generated, targets : (n, d). In [-1, 1], lower is better. Source: arXiv 2510.14975, eq. 10.

    >>> anna, ben = [1, 0], [0, 1]
    >>> blending([anna, ben], [anna, ben])  # everybody looks like themselves
    0.0
    >>> round(blending([[1, 1], [1, 1]], [anna, ben]), 3)  # two people share one face
    0.707
    >>> blending([ben, anna], [anna, ben])  # swapped
    1.0
    """
    matrix = cosine_matrix(generated, targets)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected as many generated faces as targets, found {matrix.shape}")
    others = ~np.eye(len(matrix), dtype=bool)
    return float(matrix[others].mean()) if others.any() else float("nan")
