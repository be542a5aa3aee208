"""What the files of one run say differently: a sign that one of them was damaged or edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from idbench.metrics import metric_named
from idbench.records.run import RunRecord
from idbench.records.summary import StrictGroup, Summary
from idbench.render.table import Quantity
from idbench.summary import metric_declarations
from idbench.summary.derived import with_derived
from idbench.tables import PAPER_COLUMNS

__all__ = ["contradictions", "other_means"]

ROUNDING = 1e-6
MAX_VALUE = 1e12
"""Of any number in a summary, bytes of memory included."""


def contradictions(record: RunRecord, summary: Summary, scores: pd.DataFrame, images: pd.DataFrame) -> Iterator[str]:
    """One sentence each; nothing for a run as idbench writes it."""
    models = summary.models
    if repeated := [model for model, count in Counter(models).items() if count > 1]:
        yield f"summary.json names model '{repeated[0]}' twice"
    yield from _unlike("models of", "images.parquet", images["model"], "summary.json", models)
    yield from _unlike("models of", "images in summary.json", summary.images["all"].models, "summary.json", models)
    yield from _unknown("a model in scores.parquet", scores["model"], models)
    yield from _unknown("a case in scores.parquet", scores["case"], set(images["case"]))
    yield from _unknown("an oracle in summary.json", summary.oracles, models)
    if record.recognizers:
        yield from _unknown("a recognizer in summary.json", summary.recognizers, record.recognizers)
    judged = {f"{name}, {protocol}" for name, one in summary.recognizers.items() for protocol in one.protocols}
    pairs = scores[["recognizer", "protocol"]].drop_duplicates().itertuples(index=False, name=None)
    yield from _unlike("scores by", "scores.parquet", map(", ".join, pairs), "summary.json", judged)
    if scores.loc[scores["protocol"] == "strict", "person"].isna().any():
        yield "scores.parquet has strict rows of no person"
    yield from _about_metrics(summary)
    for name, one in summary.recognizers.items():
        for of_group, group in one.strict.groups.items() if one.strict else ():
            yield from (f"{problem} ({name}, {of_group})" for problem in _about_group(summary, group))


def _unlike(what: str, first: str, a: Iterable[str], second: str, b: Iterable[str]) -> Iterator[str]:
    one, other = set(a), set(b)
    for here, there, only in ((first, second, one - other), (second, first, other - one)):
        if only:
            yield f"{what} {here} that {there} does not have: {min(only)!r:.80}"


def _unknown(what: str, names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    if unknown := set(names) - set(known):
        yield f"{what} is known nowhere else: {min(unknown)!r:.80}"


def _about_metrics(summary: Summary) -> Iterator[str]:
    """Every number is of a declared metric and in its range."""
    needed = {"sim_gt", "sim_ref", "copy_paste", "sim_gt_failure_aware"}
    measured = {name for _, numbers in _numbers(summary) for name in numbers}
    if undeclared := (needed | measured) - set(summary.metrics) - set(PAPER_COLUMNS):
        yield f"summary.json does not declare the metric '{min(undeclared)}'"
    ranges = {name: _range(name) for name in measured}
    for model, numbers in _numbers(summary):
        for name, number in numbers.items():
            low, high = ranges[name]
            values = [value for value in (number.mean, number.low, number.high) if value is not None]
            if wrong := [value for value in values if not low - ROUNDING <= value <= high + ROUNDING]:
                yield f"summary.json gives {model!r:.80} {name} {wrong[0]:g}, expected {low:g} to {high:g}"


def _numbers(summary: Summary) -> Iterator[tuple[str, Mapping[str, Quantity]]]:
    """Each model's numbers by metric, of every recognizer, protocol and group."""
    for one in summary.recognizers.values():
        for protocol in one.protocols.values():
            for group in protocol.groups.values():
                yield from group.models.items()
    for of_images in summary.images.values():
        yield from ((model, found.metrics) for model, found in of_images.models.items())
    for pooled in (summary.pooled_paper or {}).values():
        yield from pooled.models.items()


def _range(name: str) -> tuple[float, float]:
    declared = metric_declarations().get(name) or metric_named(name)
    low, high = (declared.low, declared.high) if declared else (-MAX_VALUE, MAX_VALUE)
    return max(low, -MAX_VALUE), min(high, MAX_VALUE)


def _about_group(summary: Summary, group: StrictGroup) -> Iterator[str]:
    known = set(summary.models)
    yield from _unknown("a model with scores in summary.json", group.models, known)
    yield from _unknown("a compared metric in summary.json", {*group.comparisons, *group.ranks}, summary.metrics)
    for metric, pairs in group.comparisons.items():
        yield from _unknown(f"a model compared by {metric}", {name for p in pairs for name in (p.a, p.b)}, known)
    for metric, ranks in group.ranks.items():
        measured = {model for model, numbers in group.models.items() if metric in numbers}
        yield from _unknown(f"a model ranked by {metric}", ranks, measured - set(summary.oracles))
    on_plane = {*group.tradeoff.pareto, *group.tradeoff.line_distance, *group.tradeoff.ellipses}
    yield from _unknown("a model in a trade-off of summary.json", on_plane, known)
    for model, matrix in group.tradeoff.ellipses.items():
        if [len(row) for row in matrix] != [2, 2] or not np.abs(np.array(matrix)).max() <= MAX_VALUE:
            yield f"the ellipse of {model!r:.80} is no covariance of two numbers"


HEADLINE = ("sim_gt", "sim_gt_failure_aware", "sim_ref", "copy_paste", "copy_paste_failure_aware", "found")
"""Metrics whose means are computed again."""


def other_means(summary: Summary, scores: pd.DataFrame, suite: pd.DataFrame) -> Iterator[str]:
    """One sentence for each mean of the strict protocol, over all cases, that is not that of the rows.

    scores, suite : the run's whole tables; what both were computed from.
    """
    for name, one in summary.recognizers.items():
        if one.strict is None:
            continue
        rows = scores[(scores["recognizer"] == name) & (scores["protocol"] == "strict")]
        photos = suite[suite["recognizer"] == name]
        by_model = with_derived(rows, photos).groupby("model")[list(HEADLINE)]
        means, counts = by_model.mean(), by_model.count()
        for model, numbers in one.strict.groups["all"].models.items():
            for metric in HEADLINE:
                found = numbers.get(metric)
                n = int(counts[metric].get(model, 0))
                stated = (found.n, found.mean) if found is not None and found.n else (0, None)
                mean = float(means[metric][model]) if n else None
                if stated[0] != n or (mean is not None and not abs((stated[1] or 0.0) - mean) <= ROUNDING):
                    yield (
                        f"summary.json gives {model!r:.80} {metric} {_number(stated[1])} over {stated[0]} by {name}, "
                        f"scores.parquet {_number(mean)} over {n}"
                    )


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6f}"
