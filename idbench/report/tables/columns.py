"""Columns and rows that several tables share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from idbench.render.table import Cell, Column, Number, Row
from idbench.report.data import RunData, Values
from idbench.summary.metrics import FAILURE_AWARE

__all__ = ["MODEL", "bare", "form_columns", "known_metrics", "model_rows"]

MODEL = Column("model", "model")


def form_columns(data: RunData, names: Sequence[str], interval: bool = True) -> list[Column]:
    """Columns of several metrics; the two forms of a similarity stand under one heading."""
    columns = []
    for name in names:
        base = name.removesuffix(FAILURE_AWARE)
        column = replace(data.columns[name], interval=interval)
        if base != name or base + FAILURE_AWARE in names:
            heading = data.columns[base].title
            title = "found people only" if base == name else column.title.removeprefix(f"{heading}, ")
            column = replace(column, group=heading, title=title)
        columns.append(column)
    return columns


def known_metrics(names: Iterable[str], values: Values) -> list[str]:
    """Those of which some model has a number."""
    measured = {name for numbers in values.values() for name in numbers}
    return [name for name in names if name in measured]


def model_rows(data: RunData, values: Values, names: Sequence[str], models: Sequence[str] = ()) -> list[Row]:
    """A row per model with its numbers of the metrics. models : their order, by default that of the tables."""
    return [Row([m, *map(values.get(m, {}).get, names)], m in data.oracles) for m in models or data.models]


def bare(*values: float | None) -> list[Cell]:
    """Numbers without uncertainty; None stays None."""
    return [None if value is None else Number(value) for value in values]
