"""Numbers made from score rows: shares, failure-aware forms, numbers of a whole image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.metrics import all_person_metrics
from idbench.records import FAILURES, Outcome
from idbench.stats import ONE_PHOTO, Band, Verification
from idbench.summary.metrics import DERIVED, FAILURE_AWARE

__all__ = ["per_image", "with_derived"]

PER_IMAGE = ("blending", "slot_accuracy")


def with_derived(
    rows: pd.DataFrame, photos: pd.DataFrame, band: Band | None = None, verification: Verification | None = None
) -> pd.DataFrame:
    """Add found, over_similar, verified, and the failure-aware forms.

    A failure counts only where a success would have: where the suite's own photos define the metric.
    """
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
    rows = rows.assign(**extra)
    forms = {}
    for metric in (*all_person_metrics(), *DERIVED):
        if metric.failure_value is not None and not (metric.name == "verified" and verification is None):
            counted = failed & _defined(rows, photos, metric.needs)
            forms[metric.name + FAILURE_AWARE] = rows[metric.name].mask(counted, metric.failure_value)
    return rows.assign(**forms)


def _defined(rows: pd.DataFrame, photos: pd.DataFrame, needs: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Which rows' people have, in the suite, the faces a metric needs; two of them in two photos."""
    people = photos.set_index(["case", "person"])
    defined = pd.Series(True, index=people.index)
    for face in needs:
        defined &= people[f"{face}_x1"].notna()
    if len(needs) > 1:
        defined &= people["sim_tr"] < ONE_PHOTO
    keys = pd.MultiIndex.from_frame(rows[["case", "person"]])
    return defined.reindex(keys, fill_value=False).to_numpy(bool)


def per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """Blending and slot accuracy are numbers of an image: their mean over its people stands in its first row."""
    first = ~rows.duplicated(["model", "case", "seed"])
    means = rows.groupby(["model", "case", "seed"])[list(PER_IMAGE)].transform("mean")
    return rows.assign(**{name: means[name].where(first) for name in PER_IMAGE})
