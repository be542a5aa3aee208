"""The report's tables that account for things: outcomes, errors, comparisons, judges, protocols, published numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from idbench.records import Outcome
from idbench.report.data import RunData
from idbench.report.frames import MODEL, metric_column
from idbench.report.tables import Cell, Column, Number, Row, Table, slug

__all__ = ["comparisons", "errors", "judges", "outcomes", "pooled", "protocols", "published", "tradeoff"]

GENERATIONS = ("generated", "generation_failed", "missing_image", "unreadable_image")


def outcomes(data: RunData, recognizer: str, protocol: str) -> Table:
    """Per model, how many people (strict) or images (paper) met each outcome, and what became of the images."""
    rows = data.rows(recognizer, protocol)
    people = _counts(rows, [outcome.value for outcome in Outcome])
    images = _counts(data.images, GENERATIONS)
    surplus = {m: c for s in data.sources for m, c in s.record.get("counts", {}).get("surplus_files", {}).items()}
    unit = "people" if protocol == "strict" else "images, as scored"
    columns = [MODEL]
    columns += [Column(f"people_{o.value}", _words(o.value), "count", unit) for o in Outcome]
    columns += [Column(f"images_{o}", _words(o), "count", "images") for o in GENERATIONS]
    columns += [Column("surplus_files", "surplus files", "count", "images")]
    table = [
        Row([m, *people.get(m, {}).values(), *images.get(m, {}).values(), surplus.get(m, {}).get("count")], data.is_oracle(m))
        for m in data.models
    ]
    return Table(f"outcomes_{slug(recognizer)}", f"Outcomes, {recognizer}", columns, table)


def _counts(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, dict[str, int]]:
    counted = rows.groupby(["model", "outcome"], observed=True).size()
    models = rows["model"].unique()
    return {str(m): {name: int(counted.get((m, name), 0)) for name in names} for m in models}


def _words(name: str) -> str:
    return name.replace("_", " ")


def errors(data: RunData) -> Table | None:
    """Every reason an image is missing, unreadable or failed, with how often it occurred."""
    failed = data.images[data.images["outcome"] != "generated"]
    if failed.empty:
        return None
    failed = failed.assign(error=failed["error"].fillna(""))
    rows = []
    for (model, outcome, error), part in failed.groupby(["model", "outcome", "error"], sort=False):
        cases = part["case"].astype(str).unique()
        first = ", ".join(cases[:3]) + (" ..." if len(cases) > 3 else "")
        rows.append(Row([str(model), _words(str(outcome)), len(part), str(error) or None, first]))
    columns = [
        MODEL, Column("outcome", "outcome"), Column("count", "images", "count"),
        Column("error", "reason"), Column("cases", "cases"),
    ]  # fmt: skip
    return Table("errors", "Images that are not there", columns, rows)


def comparisons(data: RunData, recognizer: str) -> list[Table]:
    """One table per compared metric: every pair of models on what both have."""
    found = data.group(recognizer, "strict").get("comparisons", {})
    return [_comparison(data, recognizer, metric, pairs) for metric, pairs in found.items() if pairs]


def _comparison(data: RunData, recognizer: str, metric: str, pairs: list[dict[str, Any]]) -> Table:
    declared = metric_column(data, metric)
    columns = [
        Column("a", "A"), Column("b", "B"),
        Column("difference", "A − B", "number", meaning=declared.title), Column("better", "better"),
        Column("effect", "effect size", "number", interval=False, digits=2, meaning="mean difference / its standard deviation"),
        Column("p", "p", "p"), Column("p_holm", "p, Holm", "p"),
        Column("n", "people", "count"), Column("clusters", "clusters", "count"),
    ]  # fmt: skip
    rows = [Row(_pair(pair, declared.direction)) for pair in pairs]
    return Table(f"comparisons_{metric}_{slug(recognizer)}", declared.title, columns, rows)


def _pair(pair: dict[str, Any], direction: str) -> list[Cell]:
    difference = None
    if pair["difference"] is not None:
        difference = Number(pair["difference"], pair["low"], pair["high"], pair["n"])
    single = [None if pair[k] is None else Number(pair[k]) for k in ("effect", "p", "p_holm")]
    return [pair["a"], pair["b"], difference, _better(pair, direction), *single, pair["n"], pair["clusters"]]


def _better(pair: dict[str, Any], direction: str) -> str | None:
    """The model the interval speaks for; none where it includes 0 or does not exist."""
    if pair["low"] is None or pair["high"] is None or pair["low"] <= 0 <= pair["high"]:
        return None
    return str(pair["a"] if (pair["low"] > 0) == (direction == "higher") else pair["b"])


def judges(data: RunData) -> Table | None:
    """How well each recognizer tells this suite's people apart, and its natural band."""
    columns = [
        Column("recognizer", "recognizer"), Column("family", "family"),
        *(Column(k, t, "number", interval=False, meaning=m, digits=d) for k, t, m, d in (
            ("auc", "AUC", "1: the judge never confuses people", 3),
            ("equal_error_rate", "EER", "rate at which false accepts equal false rejects", 3),
            ("threshold", "threshold", "similarity from which a face is accepted", 3),
            ("false_accept_rate", "FAR asked", "", 4), ("attained", "FAR attained", "", 4),
            ("resolution", "FAR resolution", "1 / impostor pairs: the smallest step", 4),
            ("true_accept_rate", "accepted real pairs", "share of genuine pairs over the threshold", 3))),
        Column("genuine", "genuine pairs", "count"), Column("impostor", "impostor pairs", "count"),
        *(Column(f"band_{k}", t, "number", "natural band", interval=False)
          for k, t in (("low", "5 %"), ("median", "median"), ("high", "95 %"))),
    ]  # fmt: skip
    rows = []
    for name in data.recognizers:
        strict = data.summary["recognizers"][name].get("strict")
        if strict is None:
            continue
        judged, band = strict["verification"] or {}, strict["natural_band"] or {}
        numbers = [_bare(judged.get(c.name)) for c in columns[2:9]]
        family = data.record["recognizers"].get(name, {}).get("family")
        bands = [_bare(band.get(k)) for k in ("low", "median", "high")]
        rows.append(Row([name, family, *numbers, judged.get("genuine"), judged.get("impostor"), *bands]))
    return Table("judges", "Judges", columns, rows) if rows else None


def _bare(value: float | None) -> Number | None:
    return None if value is None else Number(value)


def tradeoff(data: RunData, recognizer: str) -> Table | None:
    """Pareto membership and distance from the line through the other models."""
    found = data.group(recognizer, "strict").get("tradeoff") or {}
    models = [m for m in data.judged if "copy_paste" in data.group(recognizer, "strict")["models"].get(m, {})]
    if not models:
        return None
    columns = [
        MODEL, Column("pareto", "on the Pareto front"),
        Column("line_distance", "distance from the line", "number", direction="lower",
               meaning="positive: more copying than the others' trade-off predicts; negative: less"),
    ]  # fmt: skip
    rows = [
        Row([m, "yes" if m in found["pareto"] else "no", Number.of(found["line_distance"].get(m))]) for m in models
    ]
    return Table(f"tradeoff_{slug(recognizer)}", f"Trade-off, {recognizer}", columns, rows)


def protocols(data: RunData, recognizer: str) -> Table:
    """strict beside paper, and what makes the difference."""
    strict, paper = (data.group(recognizer, p)["models"] for p in ("strict", "paper"))
    columns = [MODEL, Column("metric", "metric")] + [
        Column(k, t, "number", g, interval=False) for k, t, g in (
            ("strict", "strict, found people only", "mean"), ("paper", "paper", "mean"),
            ("difference", "paper − strict", "difference"), ("outliers", "outlier removal", "of which"),
            ("padding", "reference padding", "of which"), ("other", "other rules", "of which"))
    ] + [Column("n_strict", "people, strict", "count", "n"), Column("n_paper", "images, paper", "count", "n")]  # fmt: skip
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
    return [Number(ours["mean"]), Number(theirs["mean"]), *(_bare(part) for part in parts), ours["n"], theirs["n"]]


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
        columns.append(Column(f"{metric}_{group}", one.title, "number", f"cases: {group}", one.direction, one.meaning, 3, False))
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
        metric_column(data, name, interval=False) if name in data.summary["metrics"] else Column(name, name, "number", interval=False)
        for name in numbers
    ]
    columns.append(Column("note", "note"))
    rows = [
        Row([e["table"], e["subset"], e["method"], *(Number(float(e[n])) if e[n] else None for n in numbers), e["note"] or ""])
        for e in entries
    ]
    return Table("published", "Published numbers (arXiv 2510.14975)", columns, rows)
