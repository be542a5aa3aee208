"""What became of everything that was asked for: outcomes of people and images, and reasons of failures."""

from __future__ import annotations

import re
from typing import get_args

import pandas as pd

from idbench.records import GenerationOutcome, Outcome
from idbench.render.table import Column, Row, Table, slug
from idbench.report.data import Protocol, RunData
from idbench.report.tables.columns import MODEL

__all__ = ["errors", "outcomes"]

PEOPLE = [outcome.value for outcome in Outcome]
IMAGES: list[str] = list(get_args(GenerationOutcome))


def outcomes(data: RunData, recognizer: str, protocol: Protocol) -> Table:
    """Per model, how many people (strict) or images (paper) met each outcome, and what became of the images."""
    people = _counts(data.rows(recognizer, protocol), data.models, PEOPLE)
    images = _counts(data.images, data.models, IMAGES)
    surplus = {m: files.count for s in data.sources for m, files in s.record.counts.surplus_files.items()}
    unit = "people" if protocol == "strict" else "images, as scored"
    columns = [
        MODEL,
        *(Column(f"people_{name}", _words(name), "count", unit) for name in PEOPLE),
        *(Column(f"images_{name}", _words(name), "count", "images") for name in IMAGES),
        Column("surplus_files", "surplus files", "count", "images"),
    ]
    rows = [Row([m, *people[m], *images[m], surplus.get(m)], m in data.oracles) for m in data.models]
    return Table(f"outcomes_{slug(recognizer)}", f"Outcomes, {recognizer}", columns, rows)


def _counts(rows: pd.DataFrame, models: list[str], outcomes: list[str]) -> dict[str, list[int]]:
    """Per model, how many rows have each of the outcomes."""
    counted = pd.crosstab(rows["model"], rows["outcome"]).reindex(index=models, columns=outcomes, fill_value=0)
    return dict(zip(models, counted.to_numpy(int).tolist(), strict=True))


def errors(data: RunData) -> Table | None:
    """Every reason an image is missing, unreadable or failed, with how often it occurred."""
    failed = data.images[data.images["outcome"] != "generated"]
    if failed.empty:
        return None
    failed = failed.assign(error=[_without_case(e, c) for e, c in zip(failed["error"], failed["case"], strict=True)])
    rows = []
    for (model, outcome, error), part in failed.groupby(["model", "outcome", "error"], sort=False):
        cases = part["case"].astype(str).unique()
        first = ", ".join(cases[:3]) + (" …" if len(cases) > 3 else "")
        rows.append(Row([str(model), _words(str(outcome)), len(part), str(error) or None, first]))
    columns = [
        MODEL,
        Column("outcome", "outcome"),
        Column("count", "images", "count"),
        Column("error", "reason"),
        Column("cases", "cases"),
    ]
    return Table("errors", "Images that are not there", columns, rows)


def _without_case(error: object, case: str) -> str:
    """The reason with the case's name taken out, so that equal reasons are counted together."""
    return re.sub(rf"(?<!\w){re.escape(case)}(?!\w)", "…", error) if isinstance(error, str) else ""


def _words(name: str) -> str:
    return name.replace("_", " ")
