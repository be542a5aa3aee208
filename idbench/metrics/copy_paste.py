"""The copy-paste score: does a generated face sit on the reference or on the target?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idbench.metrics.identity import angle, cosine_matrix

__all__ = ["MIN_THETA_TR", "copy_paste", "nearest_reference"]

MIN_THETA_TR = 1e-3
"""Radians; target and reference closer than this are one photo, and the score is undefined."""


def copy_paste(generated: npt.ArrayLike, target: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """(theta_gt - theta_gr) / theta_tr of three embeddings (d,).

    In [-1, 1] by the triangle inequality of angles: 1 on the reference, -1 on the target, 0 equally
    far from both. nan where theta_tr < `MIN_THETA_TR` or a vector is zero or not finite.
    Source: arXiv 2510.14975, eq. 4.

    A face that turns from the target (0 degrees) to the reference (40 degrees):

    >>> def at(degrees):
    ...     return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
    >>> for face in (0, 10, 20, 30, 40):
    ...     print(face, f"{copy_paste(at(face), at(0), at(40)):+.2f}")
    0 -1.00
    10 -0.50
    20 +0.00
    30 +0.50
    40 +1.00

    A stranger at a right angle to both copies nobody, and one photo used twice gives no score:

    >>> round(abs(copy_paste([0, 0, 1], [1, 0, 0], [0.8, 0.6, 0])), 6), copy_paste(at(10), at(0), at(0))
    (0.0, nan)
    """
    theta_tr = angle(target, reference)
    if not theta_tr >= MIN_THETA_TR:
        return float("nan")
    return float(np.clip((angle(generated, target) - angle(generated, reference)) / theta_tr, -1.0, 1.0))


def nearest_reference(generated: npt.ArrayLike, references: npt.ArrayLike) -> int:
    """Row of references (k, d) most similar to generated (d,); the first of equals.

    Copying any of several references is copying, so the nearest one is judged.
    Raises `ValueError` if there is no usable reference.

    >>> nearest_reference([1, 0], [[0, 1], [1, 0.1], [1, 1]])
    1
    """
    similarities = cosine_matrix(np.asarray(generated)[None], references)[0]
    if not np.isfinite(similarities).any():
        raise ValueError("no usable reference embedding")
    return int(np.nanargmax(similarities))
