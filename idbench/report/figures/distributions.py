"""Geometry of the distributions over the natural band; the templates draw it as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.render.axis import BOTTOM, RIGHT, TOP, WIDTH, Axis
from idbench.render.labels import shortened
from idbench.report.data import RunData
from idbench.stats import Band

__all__ = ["Distribution", "Strip", "distributions"]

ROW = 26
MAX_DOTS = 200
MAX_LABEL = 30
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Strip:
    """One model's values: box (5, 25, 50, 75, 95 %) and dots, in pixels."""

    model: str
    label: str
    y: float
    oracle: bool
    n: int
    median: float
    box: list[float]
    dots: list[tuple[float, float]]


@dataclass(frozen=True)
class Distribution:
    """Per-person values of one metric, a row per model, over the natural band (low, median, high)."""

    metric: str
    title: str
    axis: Axis
    strips: list[Strip]
    band: list[float] | None
    width: int
    height: int
    left: int


def distributions(data: RunData, recognizer: str) -> list[Distribution]:
    """How sim_ref and sim_gt are spread over people, per model."""
    band = data.strict(recognizer).natural_band
    rows = data.rows(recognizer, "strict")
    return [found for metric in ("sim_ref", "sim_gt") if (found := _distribution(data, rows, metric, band))]


def _distribution(data: RunData, rows: pd.DataFrame, metric: str, band: Band | None) -> Distribution | None:
    values = {str(m): np.sort(part.dropna().to_numpy(float)) for m, part in rows.groupby("model")[metric]}
    models = [m for m in data.models if len(values.get(m, ()))]
    if not models:
        return None
    low = min(0.0, *(float(values[m][0]) for m in models))
    labels = {m: shortened(m, MAX_LABEL) for m in models}
    left = 12 + 7 * max(map(len, labels.values()))
    axis = Axis(math.floor(low * 10) / 10, 1.02, left, WIDTH - RIGHT)
    strips = [_strip(m, labels[m], values[m], axis, i, m in data.oracles) for i, m in enumerate(models)]
    edges = [axis.clipped(edge) for edge in (band.low, band.median, band.high)] if band else None
    height = TOP + ROW * len(models) + BOTTOM
    return Distribution(metric, data.columns[metric].title, axis, strips, edges, WIDTH, height, left)


def _strip(model: str, label: str, values: npt.NDArray[np.float64], axis: Axis, row: int, oracle: bool) -> Strip:
    """Dots are an even selection of the sorted values, spread by the golden ratio so that they stay put."""
    y = TOP + ROW * (row + 0.5)
    chosen = values
    if len(values) > MAX_DOTS:
        chosen = values[np.linspace(0, len(values) - 1, MAX_DOTS).round().astype(int)]
    dots = [(axis(v), round(y + ((i * 0.618034) % 1 - 0.5) * ROW * 0.62, 2)) for i, v in enumerate(chosen)]
    box = [axis(float(q)) for q in np.quantile(values, QUANTILES)]
    return Strip(model, label, y, oracle, len(values), float(np.median(values)), box, dots)
