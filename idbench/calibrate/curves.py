"""What a metric does while a dial is turned: read from the summary that a report of the same images would print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.calibrate.sweeps import Sweep
from idbench.records.summary import ImageGroup, ModelSummary, RecognizerSummary
from idbench.stats import Estimate, Verification
from idbench.summary import Settings, summarise

__all__ = ["Curve", "Point", "Tables", "sweep_curves"]

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
"""scores, images and suite, as `read_tables` gives them."""


@dataclass(frozen=True)
class Point:
    """Mean and interval of a metric with the dial at `at`; None means not measured."""

    at: float
    mean: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True)
class Curve:
    """One metric over one sweep, by one recognizer."""

    recognizer: str
    sweep: str
    dial: str
    metric: str
    points: tuple[Point, ...]

    @property
    def at(self) -> npt.NDArray[np.float64]:
        """Values of the dial (n,)."""
        return np.array([point.at for point in self.points], np.float64)

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Means (n,), nan where not measured."""
        return np.array([np.nan if point.mean is None else point.mean for point in self.points], np.float64)

    def as_dict(self) -> dict[str, Any]:
        """For calibration.json."""
        return asdict(self)


def sweep_curves(
    sweep: Sweep, cases: Sequence[str], tables: Tables, verifications: Mapping[str, Verification], settings: Settings
) -> list[Curve]:
    """Every metric along a sweep, for every recognizer; `cases` are the sweep's."""
    scores, images, suite = (_of(table, sweep, cases) for table in tables)
    summary = summarise(scores, images, suite, verifications, settings)
    return [
        Curve(recognizer, sweep.name, sweep.dial, metric, points)
        for recognizer, protocols in summary.recognizers.items()
        for metric, points in _points(sweep, _estimates(protocols, summary.images["all"])).items()
    ]


def _of(table: pd.DataFrame, sweep: Sweep, cases: Sequence[str]) -> pd.DataFrame:
    """The rows of a sweep, subsets left aside."""
    rows = table[table["case"].isin(cases)]
    if "model" in rows:
        rows = rows[rows["model"].isin(sweep.models)]
    return rows.assign(subset="all")


def _estimates(recognizer: RecognizerSummary, images: ImageGroup) -> dict[str, ModelSummary]:
    """Estimates by model and metric, those of whole images among them."""
    models = recognizer.strict.models if recognizer.strict else {}
    return {model: {**images.models[model].metrics, **values} for model, values in models.items()}


def _points(sweep: Sweep, estimates: Mapping[str, ModelSummary]) -> dict[str, tuple[Point, ...]]:
    metrics = dict.fromkeys(name for values in estimates.values() for name in values)
    return {
        metric: tuple(
            _point(value, estimates[model].get(metric)) for value, model in zip(sweep.stops, sweep.models, strict=True)
        )
        for metric in metrics
    }


def _point(value: float, found: Estimate | None) -> Point:
    return Point(value, None) if found is None else Point(value, found.mean, found.low, found.high, found.n)
