"""Columns of score rows that say how much was copied: parts of the copy share, and faces that are copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.metrics.copy_share import charged_copy_share, copy_parts
from idbench.records import FAILURES
from idbench.stats import CopyThreshold, Estimate, Verification, copy_threshold, estimate_ratios
from idbench.summary.failure_aware import defined
from idbench.summary.metrics import COPY_SHARE, FAILURE_AWARE, Settings
from idbench.summary.pairs import unusable_pairs

__all__ = ["PARTS", "Copying", "copy_shares"]

PARTS = ("copied_part", "whole_part")
"""Columns whose sums give the copy share."""
MIN_WHOLE = 0.2
"""A model's faces that have less of their people on average show strangers, and the ratio of sums is noise."""
LEAST_QUANTILE = 0.05
"""Of real photos of the suite, this share has less of the person than is expected of every face."""


@dataclass(frozen=True)
class Copying:
    """What the suite's own photos say about copying, for one recognizer.

    photos : the recognizer's rows of suite.parquet. least : what all but 5 % of real photos have of the person, as
    `copy_parts` measures it; None without usable pairs.
    """

    photos: pd.DataFrame
    verification: Verification | None
    threshold: CopyThreshold | None
    least: float | None

    @classmethod
    def of(cls, photos: pd.DataFrame, verification: Verification | None) -> Copying:
        """From the recognizer's rows of suite.parquet."""
        usable = photos.loc[unusable_pairs(photos["sim_tr"], verification) == "", "sim_tr"].dropna()
        natural = 2 * usable / (1 + usable)
        least = float(natural.quantile(LEAST_QUANTILE)) if len(natural) else None
        return cls(photos, verification, copy_threshold(photos.get("registered_copy_tr", [])), least)

    def added_to(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Score rows with the parts of the copy share, its failure-aware form, and whether a face is a copy."""
        copied, whole = copy_parts(rows["sim_gt"], rows["sim_ref"], rows["sim_tr"])
        can_tell = unusable_pairs(rows["sim_tr"], self.verification) == ""
        copied, whole = np.where(can_tell, copied, np.nan), np.where(can_tell, whole, np.nan)
        more = dict(zip(PARTS, (copied, whole), strict=True))
        if self.least is not None and self.least > 0:
            single = charged_copy_share(copied, whole, self.least)
            more[COPY_SHARE.name + FAILURE_AWARE] = np.where(self._failures(rows), 1.0, single)
        if self.threshold is not None:
            correlation = rows["registered_copy"].to_numpy(float)
            more["copied"] = np.where(np.isnan(correlation), np.nan, correlation > self.threshold.threshold)
        return rows.assign(**more)

    def _failures(self, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Failed rows of people whose photos can tell: a failure counts where a success would have."""
        tell = self.photos[unusable_pairs(self.photos["sim_tr"], self.verification) == ""]
        failed = rows["outcome"].isin([outcome.value for outcome in FAILURES])
        return failed.to_numpy() & defined(rows, tell, COPY_SHARE.needs)


def copy_shares(
    wide: pd.DataFrame, models: list[str], settings: Settings, rng: np.random.Generator
) -> dict[str, Estimate]:
    """The copy share of every model whose faces are those of their people.

    wide : a row per person, columns (part, model).
    """
    known = [model for model in models if (PARTS[0], model) in wide.columns]
    above, below = (wide[[(part, model) for model in known]].to_numpy(float) for part in PARTS)
    clusters = wide.index.get_level_values("cluster").to_numpy()
    found = estimate_ratios(above, below, clusters, rng, settings.resamples, settings.level)
    mean_whole = np.nansum(below, axis=0) / np.maximum(np.isfinite(below).sum(axis=0), 1)
    return {model: one for model, one, whole in zip(known, found, mean_whole, strict=True) if whole >= MIN_WHOLE}
