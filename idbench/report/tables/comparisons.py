"""Pairwise comparisons of models."""

from __future__ import annotations

from collections.abc import Sequence

from idbench.render.table import Column, Number, Row, Table, slug
from idbench.report.data import RunData
from idbench.report.tables.columns import bare
from idbench.stats import Comparison

__all__ = ["comparisons"]


def comparisons(data: RunData, recognizer: str) -> list[Table]:
    """One table per compared metric: every pair of models on what both have."""
    found = data.group(recognizer).comparisons
    return [_comparison(data.columns[metric], recognizer, pairs) for metric, pairs in found.items() if pairs]


def _comparison(metric: Column, recognizer: str, pairs: Sequence[Comparison]) -> Table:
    columns = [
        Column("a", "A"),
        Column("b", "B"),
        Column("difference", "A − B", "number", meaning=metric.title),
        Column("better", "better"),
        Column("effect", "effect size", "number", interval=False, digits=2, meaning="mean over standard deviation"),
        Column("p", "p", "p"),
        Column("p_adjusted", "p, all pairs", "p"),
        Column("n", "people", "count"),
        Column("clusters", "clusters", "count"),
    ]
    rows = [_row(pair, higher_is_better=metric.direction == "higher") for pair in pairs]
    return Table(f"comparisons_{metric.name}_{slug(recognizer)}", metric.title, columns, rows)


def _row(pair: Comparison, higher_is_better: bool) -> Row:
    """`better` names a model only where the two are told apart."""
    difference = better = None
    if pair.difference is not None:
        difference = Number(pair.difference, pair.low, pair.high, pair.n)
        if pair.different:
            better = pair.a if (pair.difference > 0) == higher_is_better else pair.b
    tests = bare(pair.effect, pair.p, pair.p_adjusted)
    return Row([pair.a, pair.b, difference, better, *tests, pair.n, pair.clusters])
