"""Failure-aware forms: metrics in which every failure counts, at the value that the metric declares.

A failure counts only where a success would have: where the suite's own photos define the metric.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.metrics import IMAGE_METRICS, Metric
from idbench.records import FAILURES
from idbench.stats import ONE_PHOTO
from idbench.summary.metrics import FAILURE_AWARE

__all__ = ["defined", "with_image_forms", "with_person_forms"]


def with_person_forms(rows: pd.DataFrame, photos: pd.DataFrame, metrics: Iterable[Metric]) -> pd.DataFrame:
    """Score rows with a column `<metric>_failure_aware` for each metric that declares a failure value.

    photos : the recognizer's rows of suite.parquet.
    """
    failed = rows["outcome"].isin([outcome.value for outcome in FAILURES])
    forms = {
        metric.name + FAILURE_AWARE: rows[metric.name].mask(
            failed & defined(rows, photos, metric.needs), metric.failure_value
        )
        for metric in metrics
        if metric.failure_value is not None
    }
    return rows.assign(**forms)


def with_image_forms(images: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Image rows with the failure-aware forms, and the names of all image metrics, forms last.

    A failure counts in cases where any model's image has the number.
    """
    failed = images["outcome"] != "generated"
    forms = {}
    for metric in IMAGE_METRICS:
        if metric.failure_value is not None:
            measured = images[metric.name].notna().groupby(images["case"]).transform("any")
            forms[metric.name + FAILURE_AWARE] = images[metric.name].mask(failed & measured, metric.failure_value)
    return images.assign(**forms), [*(metric.name for metric in IMAGE_METRICS), *forms]


def defined(rows: pd.DataFrame, photos: pd.DataFrame, needs: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Which rows' people have, in the suite, the faces a metric needs; two of them in two photos."""
    people = photos.set_index(["case", "person"])
    defined = pd.Series(True, index=people.index)
    for face in needs:
        defined &= people[f"{face}_x1"].notna()
    if len(needs) > 1:
        defined &= people["sim_tr"] < ONE_PHOTO
    keys = pd.MultiIndex.from_frame(rows[["case", "person"]])
    return defined.reindex(keys, fill_value=False).to_numpy(bool)
