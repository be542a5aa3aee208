"""Means with intervals of every model and metric of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from idbench.records.summary import ModelSummary
from idbench.stats import estimate
from idbench.summary.metrics import Settings

__all__ = ["estimates"]


def estimates(
    wide: pd.DataFrame, models: Sequence[str], names: Sequence[str], settings: Settings, rng: np.random.Generator
) -> dict[str, ModelSummary]:
    """Model -> metric -> estimate, of the metrics a model was measured on; all are resampled together.

    wide : rows by person with a level `cluster` in their index, columns (metric, model).
    """
    columns = [(name, model) for model in models for name in names if (name, model) in wide.columns]
    found = estimate(
        wide[columns].to_numpy(float),
        wide.index.get_level_values("cluster").to_numpy(),
        rng,
        settings.resamples,
        settings.level,
        settings.interval,
    )
    table: dict[str, ModelSummary] = {model: {} for model in models}
    for (name, model), one in zip(columns, found, strict=True):
        if one.n:
            table[model][name] = one
    return table
