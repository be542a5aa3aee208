"""Sweeps: one model at several values of one parameter (arXiv 2510.14975, Fig. 16)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from idbench.records.run import ModelRecord

__all__ = ["Sweep", "as_text", "find_sweeps", "range_text"]


@dataclass(frozen=True)
class Sweep:
    """Values of a parameter in order, and the model of each. `name` tells it apart from models and other sweeps."""

    name: str
    of: str
    parameter: str
    values: tuple[float | str, ...]
    models: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """Whether the values have an order of their own."""
        return _numeric(self.values)

    @property
    def labels(self) -> dict[str, str]:
        """Each model's value as text."""
        return {model: as_text(value) for model, value in zip(self.models, self.values, strict=True)}


def find_sweeps(evaluated: Collection[str], runs: Sequence[tuple[str, Mapping[str, ModelRecord]]]) -> list[Sweep]:
    """Every sweep of two or more evaluated models, in the order of the parameter; words in the order given.

    runs : name and models of each run. A sweep that several runs have is named with its run.
    """
    found = [
        (run, key, points)
        for run, records in runs
        for key, points in _by_parameter(evaluated, records).items()
        if len(points) > 1
    ]
    keys = [key for _, key, _ in found]
    return [_sweep(*key, points, f" ({run})" if keys.count(key) > 1 else "") for run, key, points in found]


def _by_parameter(
    evaluated: Collection[str], records: Mapping[str, ModelRecord]
) -> dict[tuple[str, str], dict[str, float | str]]:
    """(swept model, parameter) -> model -> value."""
    found: dict[tuple[str, str], dict[str, float | str]] = {}
    for model, record in records.items():
        if record.sweep and model in evaluated:
            found.setdefault((record.sweep.of, record.sweep.parameter), {})[model] = record.sweep.value
    return found


def _sweep(of: str, parameter: str, points: Mapping[str, float | str], ending: str) -> Sweep:
    numbers = {model: value for model, value in points.items() if not isinstance(value, str)}
    models = sorted(numbers, key=numbers.__getitem__) if len(numbers) == len(points) else list(points)
    return Sweep(f"{of}@{parameter}{ending}", of, parameter, tuple(points[m] for m in models), tuple(models))


def as_text(value: JsonValue) -> str:
    """A parameter's value as a reader writes it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def range_text(values: Sequence[JsonValue]) -> str:
    """The value, or the first and last of several numbers, or all of several words."""
    texts = list(dict.fromkeys(map(as_text, values)))
    return f"{texts[0]} to {texts[-1]}" if len(texts) > 2 and _numeric(values) else " / ".join(texts)


def _numeric(values: Sequence[JsonValue]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
