"""The report's tables about the published protocol and the published numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from idbench.records.summary import PaperEstimate
from idbench.render.table import Cell, Column, Number, Row, Table, slug
from idbench.report.data import RunData
from idbench.report.tables.columns import MODEL, bare
from idbench.stats import Estimate

__all__ = ["pooled", "protocols", "published"]

METRICS = ("sim_gt", "sim_ref", "copy_paste", "blending")
COLUMNS = [
    MODEL,
    Column("metric", "metric"),
    Column("strict", "strict, found people only", "number", "mean", interval=False),
    Column("paper", "paper", "number", "mean", interval=False),
    Column("difference", "paper − strict", "number", "difference", interval=False),
    Column("outliers", "outlier removal", "number", "of which", interval=False),
    Column("padding", "reference padding", "number", "of which", interval=False),
    Column("other", "other rules", "number", "of which", interval=False),
    Column("n_strict", "people, strict", "count", "n"),
    Column("n_paper", "images, paper", "count", "n"),
]


def protocols(data: RunData, recognizer: str) -> Table:
    """strict beside paper, and what makes the difference."""
    strict, paper = data.strict(recognizer).models, data.paper(recognizer).models
    rows = []
    for model in data.models:
        for metric in METRICS:
            ours, theirs = strict.get(model, {}).get(metric), paper.get(model, {}).get(metric)
            if ours or theirs:
                cells = [model, data.columns[metric].title, *_attributed(ours, theirs)]
                rows.append(Row(cells, model in data.oracles))
    return Table(f"protocols_{slug(recognizer)}", f"strict and paper, {recognizer}", COLUMNS, rows)


def _attributed(ours: Estimate | None, theirs: PaperEstimate | None) -> list[Cell]:
    """Both means, their difference and its parts, and what each mean is over."""
    counts = [one.n if one else None for one in (ours, theirs)]
    if ours is None or theirs is None or ours.mean is None:
        return [ours, theirs, None, None, None, None, *counts]
    outliers = theirs.mean - theirs.mean_with_outliers
    plain = theirs.mean_unpadded_with_outliers
    padding = None if plain is None else theirs.mean_with_outliers - plain
    difference = theirs.mean - ours.mean
    return [ours, theirs, *bare(difference, outliers, padding, difference - outliers - (padding or 0.0)), *counts]


def pooled(data: RunData) -> Table | None:
    """The published script's overall numbers: all recognizers in one list."""
    groups = data.summary.pooled_paper
    if not groups:
        return None
    parts = [(metric, group) for group in groups for metric in METRICS]
    columns = [
        replace(data.columns[metric], name=f"{metric}_{group}", group=f"cases: {group}", digits=3, interval=False)
        for metric, group in parts
    ]
    rows = [
        Row([m, *(groups[group].models.get(m, {}).get(metric) for metric, group in parts)], m in data.oracles)
        for m in data.models
    ]
    return Table("pooled_paper", "All recognizers pooled", [MODEL, *columns], rows)


def published(data: RunData, path: Path) -> Table | None:
    """The paper's own tables, where the suite is the paper's."""
    if data.suite.name != "multiid-bench" or not set(data.suite.subsets) <= {"p1", "p2", "p3"}:
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        entries = list(csv.DictReader(lines))
    numbers = [name for name in entries[0] if name not in ("table", "subset", "method", "note")]
    columns = [
        *(Column(name, name) for name in ("table", "subset", "method")),
        *(replace(data.columns.get(name) or Column(name, name, "number"), interval=False) for name in numbers),
        Column("note", "note"),
    ]
    rows = [_published_row(entry, numbers) for entry in entries]
    return Table("published", "Published numbers (arXiv 2510.14975)", columns, rows)


def _published_row(entry: Mapping[str, str], numbers: Sequence[str]) -> Row:
    values = [Number(float(entry[name])) if entry[name] else None for name in numbers]
    return Row([entry["table"], entry["subset"], entry["method"], *values, entry["note"] or ""])
