"""Numbers of the paper protocol: the published summary, and what single quirks do to it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from idbench.protocols.paper import statistics
from idbench.records.summary import PaperEstimate, PaperGroup, PaperSummary
from idbench.summary.metrics import groups_of

__all__ = ["paper_groups", "summarise_paper"]

METRICS = ("sim_gt", "sim_ref", "copy_paste", "blending", "rest_ref")


def summarise_paper(rows: pd.DataFrame, models: list[str]) -> PaperSummary:
    """The published summary of one recognizer, for all samples and per subset."""
    return PaperSummary(groups=paper_groups(rows, models))


def paper_groups(rows: pd.DataFrame, models: list[str]) -> dict[str, PaperGroup]:
    """The published summary by group. Of all recognizers' rows together it is the script's `average`: their values in
    one list, outliers removed again."""
    return {
        name: PaperGroup(models={model: _estimates(part[part["model"] == model]) for model in models})
        for name, part in groups_of(rows).items()
    }


def _estimates(rows: pd.DataFrame) -> dict[str, PaperEstimate]:
    return {name: found for name in METRICS if (found := _estimate(rows, name)) is not None}


def _estimate(rows: pd.DataFrame, name: str) -> PaperEstimate | None:
    """The published summary of one metric, plus what its mean would be without single quirks."""
    values = rows[name].dropna().to_list()
    found = statistics(values)
    if found is None:
        return None
    more = {}
    if (unpadded := f"{name}_unpadded") in rows.columns:
        plain = rows[unpadded].dropna()
        more["mean_unpadded_with_outliers"] = float(plain.mean()) if len(plain) else None
    return PaperEstimate(low=None, high=None, n=len(values), mean_with_outliers=float(np.mean(values)), **found, **more)
