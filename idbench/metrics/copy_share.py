"""The copy share: how much of what a face has of the person comes from the reference photo alone.

Copy-paste falls when identity is lost: a blurred paste is less like everything. The copy share does not. A face g is
taken as a mixture alpha t + beta r + rest of target and reference, and beta - alpha is set against alpha + beta.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["charged_copy_share", "copy_parts"]

Array = npt.NDArray[np.float64]


def copy_parts(sim_gt: npt.ArrayLike, sim_gr: npt.ArrayLike, sim_tr: npt.ArrayLike) -> tuple[Array, Array]:
    """Of faces (n,): beta - alpha, what the reference gives more than the target, and alpha + beta, what both give.

    sim_gt, sim_gr, sim_tr : cosines of generated face and target, generated face and reference, target and reference.
    The copy share of many faces is the sum of the first over the sum of the second: 1 where all comes from the
    reference, 0 where both give the same (a new photo of the person), -1 for the target itself. nan where |sim_tr| = 1.

    The reference pasted, then the same paste blurred until half of it is lost:

    >>> for sim_gt, sim_gr in ((0.6, 1.0), (0.3, 0.5)):
    ...     copied, whole = copy_parts(sim_gt, sim_gr, 0.6)
    ...     print(f"{copied:.2f} of {whole:.2f}: {copied / whole:.2f}")
    1.00 of 1.00: 1.00
    0.50 of 0.50: 1.00
    """
    gt, gr, tr = (np.asarray(values, np.float64) for values in (sim_gt, sim_gr, sim_tr))
    with np.errstate(divide="ignore", invalid="ignore"):
        copied, whole = (gr - gt) / (1 - tr), (gr + gt) / (1 + tr)
    usable = np.isfinite(copied) & np.isfinite(whole)
    return np.where(usable, copied, np.nan), np.where(usable, whole, np.nan)


def charged_copy_share(copied: npt.ArrayLike, whole: npt.ArrayLike, least: float) -> Array:
    """The copy share of single faces (n,), where what a face lacks of the person counts as copied; -1 to 1.

    least : the smallest `whole` that a real photo of the person can be expected to have. A stranger counts 1, as a
    failure does, so that neither withholding nor blurring a copy nor putting a stranger in its place lowers the mean.

    >>> charged_copy_share([1.0, 0.5, 0.0, 0.0], [1.0, 0.5, 0.7, 0.0], least=0.5).tolist()  # copies, natural, stranger
    [1.0, 1.0, 0.0, 1.0]
    """
    part, all_of_it = np.asarray(copied, np.float64), np.asarray(whole, np.float64)
    lacking = np.maximum(least - all_of_it, 0.0)
    return np.clip((part + lacking) / (all_of_it + lacking), -1.0, 1.0)
