"""Likeness over all recognizers: one number per model, with the uncertainty of all of them together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from idbench.records.summary import ModelSummary
from idbench.summary.estimates import estimates
from idbench.summary.metrics import FAILURE_AWARE, Settings, groups_of

__all__ = ["overall_likeness"]

FORMS = ("likeness", "likeness" + FAILURE_AWARE)
PERSON = ["cluster", "subset", "case", "seed", "person"]


def overall_likeness(
    parts: Sequence[pd.DataFrame], models: Sequence[str], settings: Settings
) -> dict[str, dict[str, ModelSummary]]:
    """Group -> model -> likeness in both forms: each person's mean over recognizers, then the mean over people.

    parts : every recognizer's strict rows with derived columns; those without a scale are left out. All recognizers
    are resampled together, because they look at the same images. Empty without a scale.
    """
    known = [part[[*PERSON, "model", *FORMS]] for part in parts if "likeness" in part.columns]
    if not known:
        return {}
    people = pd.concat(known).groupby([*PERSON, "model"], as_index=False)[list(FORMS)].mean()
    return {name: _group(rows, models, settings, name) for name, rows in groups_of(people).items()}


def _group(rows: pd.DataFrame, models: Sequence[str], settings: Settings, group: str) -> dict[str, ModelSummary]:
    wide = rows.pivot(index=PERSON, columns="model", values=list(FORMS)).sort_index()
    return estimates(wide, models, FORMS, settings, settings.rng("overall", group))
