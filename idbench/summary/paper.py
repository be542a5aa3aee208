"""Numbers of the paper protocol: the published summary, and what single quirks do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from idbench.protocols.paper import statistics
from idbench.summary.metrics import groups_of

__all__ = ["pooled_paper", "summarise_paper"]


def summarise_paper(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """The published summary of one recognizer, for all samples and per subset."""
    groups = {name: {"models": _paper_models(part, models)} for name, part in groups_of(rows).items()}
    return {"models": groups["all"]["models"], "groups": groups}


def _paper_models(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """The published summary per model, plus what its mean would be without single quirks."""
    table: dict[str, Any] = {}
    for model in models:
        part = rows[rows["model"] == model]
        table[model] = {
            name: entry for name in ("sim_gt", "sim_ref", "copy_paste", "blending", "rest_ref")
            if (entry := _paper_entry(part, name)) is not None
        }  # fmt: skip
    return table


def _paper_entry(rows: pd.DataFrame, name: str) -> dict[str, Any] | None:
    values = rows[name].dropna().to_list()
    found = statistics(values)
    if found is None:
        return None
    entry: dict[str, Any] = {"mean": found["mean"], "low": None, "high": None, "n": len(values)}
    entry |= {
        key: found[key] for key in ("std", "min", "max", "median", "q1", "q3", "outliers_removed", "outliers_percent")
    }
    entry["mean_with_outliers"] = float(np.mean(values))
    if (unpadded := f"{name}_unpadded") in rows.columns:
        plain = rows[unpadded].dropna()
        entry["mean_unpadded_with_outliers"] = float(plain.mean()) if len(plain) else None
    return entry


def pooled_paper(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """The published script's `average`: all recognizers' values in one list, outliers removed again."""
    return {name: {"models": _paper_models(part, models)} for name, part in groups_of(rows).items()}
