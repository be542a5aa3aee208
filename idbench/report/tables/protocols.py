"""The report's tables about the published protocol and the published numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from idbench.render.table import Cell, Column, Number, Row, Table, bare, slug
from idbench.report.data import RunData
from idbench.report.tables.models import MODEL, metric_column

__all__ = ["pooled", "protocols", "published"]


def protocols(data: RunData, recognizer: str) -> Table:
    """strict beside paper, and what makes the difference."""
    strict, paper = (data.group(recognizer, p)["models"] for p in ("strict", "paper"))
    # fmt: off
    columns = [MODEL, Column("metric", "metric")] + [
        Column(k, t, "number", g, interval=False) for k, t, g in (
            ("strict", "strict, found people only", "mean"), ("paper", "paper", "mean"),
            ("difference", "paper − strict", "difference"), ("outliers", "outlier removal", "of which"),
            ("padding", "reference padding", "of which"), ("other", "other rules", "of which"))
    ] + [Column(f"n_{p}", f"{u}, {p}", "count", "n") for p, u in (("strict", "people"), ("paper", "images"))]
    # fmt: on
    rows = []
    for model in data.models:
        for metric in ("sim_gt", "sim_ref", "copy_paste", "blending"):
            ours, theirs = strict.get(model, {}).get(metric), paper.get(model, {}).get(metric)
            if ours or theirs:
                title = data.summary["metrics"][metric]["title"]
                rows.append(Row([model, title, *_attributed(ours, theirs)], data.is_oracle(model)))
    return Table(f"protocols_{slug(recognizer)}", f"strict and paper, {recognizer}", columns, rows)


def _attributed(ours: dict[str, Any] | None, theirs: dict[str, Any] | None) -> list[Cell]:
    if not ours or not theirs:
        counts = [one["n"] if one else None for one in (ours, theirs)]
        return [Number.of(ours), Number.of(theirs), None, None, None, None, *counts]
    outliers = theirs["mean"] - theirs["mean_with_outliers"]
    plain = theirs.get("mean_unpadded_with_outliers")
    padding = None if plain is None else theirs["mean_with_outliers"] - plain
    difference = theirs["mean"] - ours["mean"]
    parts = (difference, outliers, padding, difference - outliers - (padding or 0.0))
    return [Number(ours["mean"]), Number(theirs["mean"]), *(bare(part) for part in parts), ours["n"], theirs["n"]]


def pooled(data: RunData) -> Table | None:
    """The published script's overall numbers: all recognizers in one list."""
    groups = data.summary.get("pooled_paper")
    if not groups:
        return None
    metrics = ("sim_gt", "sim_ref", "copy_paste", "blending")
    parts = [(metric, group) for group in groups for metric in metrics]
    columns = [MODEL]
    for metric, group in parts:
        one = metric_column(data, metric, interval=False)
        columns.append(
            Column(f"{metric}_{group}", one.title, "number", f"cases: {group}", one.direction, one.meaning, 3, False)
        )
    rows = [
        Row([m, *(Number.of(groups[g]["models"].get(m, {}).get(metric)) for metric, g in parts)], data.is_oracle(m))
        for m in data.models
    ]
    return Table("pooled_paper", "All recognizers pooled", columns, rows)


def published(data: RunData, path: Path) -> Table | None:
    """The paper's own tables, where the suite is the paper's."""
    suite = data.record["suite"]
    if suite.get("name") != "multiid-bench" or not set(suite.get("subsets", {})) <= {"p1", "p2", "p3"}:
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        entries = list(csv.DictReader(lines))
    numbers = [name for name in entries[0] if name not in ("table", "subset", "method", "note")]
    columns = [Column("table", "table"), Column("subset", "subset"), Column("method", "method")]
    columns += [
        metric_column(data, name, interval=False)
        if name in data.summary["metrics"]
        else Column(name, name, "number", interval=False)
        for name in numbers
    ]
    columns.append(Column("note", "note"))
    rows = [
        Row(
            [
                e["table"],
                e["subset"],
                e["method"],
                *(Number(float(e[n])) if e[n] else None for n in numbers),
                e["note"] or "",
            ]
        )
        for e in entries
    ]
    return Table("published", "Published numbers (arXiv 2510.14975)", columns, rows)
