"""The report's tables that account for things: outcomes, errors, comparisons, judges, trade-off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from idbench.records import Outcome
from idbench.render.table import Cell, Column, Number, Row, Table, bare, slug
from idbench.report.data import RunData
from idbench.report.tables.models import MODEL, metric_column

__all__ = ["comparisons", "errors", "judges", "outcomes", "tradeoff"]

GENERATIONS = ("generated", "generation_failed", "refused", "missing_image", "unreadable_image")


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
        Row(
            [m, *people.get(m, {}).values(), *images.get(m, {}).values(), surplus.get(m, {}).get("count")],
            data.is_oracle(m),
        )
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
    failed = failed.assign(error=[_without_case(e, c) for e, c in zip(failed["error"], failed["case"], strict=True)])
    rows = []
    for (model, outcome, error), part in failed.groupby(["model", "outcome", "error"], sort=False):
        cases = part["case"].astype(str).unique()
        first = ", ".join(cases[:3]) + (" …" if len(cases) > 3 else "")
        rows.append(Row([str(model), _words(str(outcome)), len(part), str(error) or None, first]))
    columns = [
        MODEL, Column("outcome", "outcome"), Column("count", "images", "count"),
        Column("error", "reason"), Column("cases", "cases"),
    ]  # fmt: skip
    return Table("errors", "Images that are not there", columns, rows)


def _without_case(error: Any, case: str) -> str:
    """The reason with the case's name taken out, so that equal reasons are counted together."""
    return re.sub(rf"(?<!\w){re.escape(case)}(?!\w)", "…", error) if isinstance(error, str) else ""


def comparisons(data: RunData, recognizer: str) -> list[Table]:
    """One table per compared metric: every pair of models on what both have."""
    found = data.group(recognizer, "strict").get("comparisons", {})
    return [_comparison(data, recognizer, metric, pairs) for metric, pairs in found.items() if pairs]


def _comparison(data: RunData, recognizer: str, metric: str, pairs: list[dict[str, Any]]) -> Table:
    declared = metric_column(data, metric)
    columns = [
        Column("a", "A"), Column("b", "B"),
        Column("difference", "A − B", "number", meaning=declared.title), Column("better", "better"),
        Column("effect", "effect size", "number", interval=False, digits=2, meaning="mean over standard deviation"),
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
    """The better model; none where the two are not told apart."""
    if not pair["different"]:
        return None
    return str(pair["a"] if (pair["difference"] > 0) == (direction == "higher") else pair["b"])


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
        Column("left_out", "pairs left out", "count", meaning="may show one person, so neither genuine nor impostor"),
        *(Column(f"band_{k}", t, "number", "natural band", interval=False)
          for k, t in (("low", "5 %"), ("median", "median"), ("high", "95 %"))),
    ]  # fmt: skip
    rows = []
    for name in data.recognizers:
        strict = data.summary["recognizers"][name].get("strict")
        if strict is None:
            continue
        judged, band = strict["verification"] or {}, strict["natural_band"] or {}
        numbers = [bare(judged.get(c.name)) for c in columns[2:9]]
        family = data.record["recognizers"].get(name, {}).get("family")
        bands = [bare(band.get(k)) for k in ("low", "median", "high")]
        rows.append(
            Row([name, family, *numbers, *(judged.get(k) for k in ("genuine", "impostor", "left_out")), *bands])
        )
    return Table("judges", "Judges", columns, rows) if rows else None


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
    competing = data.group(recognizer, "strict").get("ranks", {}).get("sim_gt_failure_aware", {})
    fronts = {m: "yes" if m in found["pareto"] else "no" for m in models if m in competing}
    rows = [Row([m, fronts.get(m), Number.of(found["line_distance"].get(m))]) for m in models]
    return Table(f"tradeoff_{slug(recognizer)}", f"Trade-off, {recognizer}", columns, rows)
