"""Which pairs of target and reference can tell copying from keeping a person."""

from __future__ import annotations

import pandas as pd

from idbench.stats import Verification

__all__ = ["NEARLY_ONE_PHOTO", "unusable_pairs"]

NEARLY_ONE_PHOTO = 0.95
"""Cosine of target and reference above which they are nearly the same photo: near one is near the other."""


def unusable_pairs(sim_tr: pd.Series, verification: Verification | None) -> pd.Series:
    """Why a pair cannot tell, by cosine of target and reference (n,): empty for a pair that can, and where a cosine is
    missing. Either they are nearly one photo, or the recognizer takes them for two people.
    """
    reasons = pd.Series("", index=sim_tr.index, dtype=object)
    if verification is not None:
        reasons = reasons.mask(sim_tr < verification.threshold, "two people for the recognizer")
    return reasons.mask(sim_tr > NEARLY_ONE_PHOTO, "nearly one photo")
