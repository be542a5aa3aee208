"""The registered copy: how much of a reference photo is seen in a face, also in disguise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["registered_copy"]


def registered_copy(correlations: npt.ArrayLike) -> float:
    """The largest of a face's correlations (k,) with the reference photos, as `idbench.faces.registration` gives them.

    In [-1, 1]; nan for k = 0 or where none is known.

    >>> registered_copy([0.4, float("nan"), 0.9]), registered_copy([])
    (0.9, nan)
    """
    values = np.asarray(correlations, np.float64)
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
