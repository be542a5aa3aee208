"""Sweeps: one model at several values of one parameter (arXiv 2510.14975, Fig. 16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from idbench.render.table import Column, Number, Row, Table, slug
from idbench.report.data import RunData, Source
from idbench.report.tables.models import form_columns

__all__ = ["Sweep", "about", "span", "sweeps", "table", "written"]

METRICS = ("sim_gt_failure_aware", "sim_gt", "sim_ref", "copy_paste", "found")


@dataclass(frozen=True)
class Sweep:
    """Values of a parameter in order, and the model of each. `name` tells it apart from models and other sweeps."""

    name: str
    of: str
    parameter: str
    values: tuple[Any, ...]
    models: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """Whether the values have an order of their own."""
        return all(map(_is_number, self.values))

    @property
    def labels(self) -> dict[str, str]:
        """Each model's value as text."""
        return {model: written(value) for model, value in zip(self.models, self.values, strict=True)}


def sweeps(data: RunData) -> list[Sweep]:
    """Every sweep of two or more judged models, in the order of the parameter; words in the order given."""
    found = [(source, key, points) for source in data.sources for key, points in _of(data, source)]
    keys = [key for _, key, _ in found]
    made = []
    for source, (of, parameter), points in found:
        name = f"{of}@{parameter}" + (f" ({source.name})" if keys.count((of, parameter)) > 1 else "")
        ordered = sorted(points, key=lambda p: p[0]) if all(_is_number(v) for v, _ in points) else points
        values, models = zip(*ordered, strict=True)
        made.append(Sweep(name, of, parameter, values, models))
    return made


def _of(data: RunData, source: Source) -> Iterator[tuple[tuple[str, str], list[tuple[Any, str]]]]:
    groups: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for model, known in source.record["models"].items():
        if (sweep := known.get("sweep")) and model in data.judged:
            groups.setdefault((str(sweep["of"]), str(sweep["parameter"])), []).append((sweep["value"], model))
    return ((key, points) for key, points in groups.items() if len(points) > 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def written(value: Any) -> str:
    """A parameter's value as a reader writes it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def span(values: Sequence[Any]) -> str:
    """The value, or the first and last of several numbers, or all of several words."""
    texts = list(dict.fromkeys(map(written, values)))
    return f"{texts[0]} to {texts[-1]}" if len(texts) > 2 and all(map(_is_number, values)) else " / ".join(texts)


def about(data: RunData, sweep: Sweep) -> str:
    """What is swept, and what else changes with it."""
    ends = f"from {written(sweep.values[0])} to {written(sweep.values[-1])}"
    values = f"{len(sweep.values)} values of {sweep.parameter}{f', {ends}' if sweep.numeric else ''}"
    settings = [data.about(m).get("parameters") or {} for m in sweep.models]
    keys = dict.fromkeys(key for one in settings for key in one if key != sweep.parameter)
    along = [key for key in keys if len({repr(one.get(key)) for one in settings}) > 1]
    rest = f"{', '.join(along)} changes with it" if along else "everything else is the same"
    return f"One model, {sweep.of}, at {values}; {rest}."


def table(data: RunData, recognizer: str, sweep: Sweep) -> Table:
    """The numbers of a sweep, a row per value."""
    found = data.group(recognizer, "strict")["models"]
    columns = [Column("value", sweep.parameter), *form_columns(data, METRICS)]
    rows = [
        Row([value, *(Number.of(found.get(model, {}).get(name)) for name in METRICS)])
        for model, value in sweep.labels.items()
    ]
    return Table(f"sweep_{slug(sweep.name)}_{slug(recognizer)}", f"{sweep.name}, {recognizer}", columns, rows)
