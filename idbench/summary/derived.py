"""Numbers made from score rows: shares, and numbers of a whole image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from idbench.metrics import all_person_metrics
from idbench.records import FAILURES, Outcome
from idbench.stats import Band, LikenessScale, Verification
from idbench.summary.failure_aware import with_person_forms
from idbench.summary.metrics import DERIVED

__all__ = ["per_image", "with_derived"]

PER_IMAGE = ("blending", "slot_accuracy")


def with_derived(
    rows: pd.DataFrame,
    photos: pd.DataFrame,
    band: Band | None = None,
    verification: Verification | None = None,
    scale: LikenessScale | None = None,
) -> pd.DataFrame:
    """Add found, over_similar, verified, likeness, and the failure-aware forms of all metrics."""
    failed = rows["outcome"].isin([outcome.value for outcome in FAILURES])
    outside = (rows["outcome"] == Outcome.UNDEFINED.value) & rows["face"].isna()
    extra: dict[str, Any] = {
        "found": (~failed).astype(float).mask(outside),
        "over_similar": np.nan,
        "verified": np.nan,
    }
    if band is not None:
        extra["over_similar"] = (rows["sim_ref"] > band.high).astype(float).mask(rows["sim_ref"].isna())
    if verification is not None:
        extra["verified"] = (rows["sim_gt"] >= verification.threshold).astype(float).mask(rows["sim_gt"].isna())
    if scale is not None:
        extra["likeness"] = scale.of(rows["sim_gt"])
    rows = rows.assign(**extra)
    unknown = {"verified"} if verification is None else set()
    derived = [metric for metric in DERIVED if metric.name in rows.columns and metric.name not in unknown]
    return with_person_forms(rows, photos, [*all_person_metrics(), *derived])


def per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """Blending and slot accuracy are numbers of an image: their mean over its people stands in its first row."""
    first = ~rows.duplicated(["model", "case", "seed"])
    means = rows.groupby(["model", "case", "seed"])[list(PER_IMAGE)].transform("mean")
    return rows.assign(**{name: means[name].where(first) for name in PER_IMAGE})
