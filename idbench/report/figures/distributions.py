"""Geometry of the distributions over the natural band; the templates draw it as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from idbench.render.axis import BOTTOM, RIGHT, TOP, WIDTH, Axis
from idbench.render.labels import shortened
from idbench.report.data import RunData

__all__ = ["distributions"]

ROW = 26
MAX_DOTS = 200
LONGEST = 30


@dataclass
class Strip:
    """One model's values: box (5, 25, 50, 75, 95 %) and dots, in pixels."""

    model: str
    label: str
    y: float
    oracle: bool
    n: int
    median: float
    box: tuple[float, float, float, float, float]
    dots: list[tuple[float, float]]


@dataclass
class Distribution:
    """Per-person values of one metric, a row per model, over the natural band."""

    metric: str
    title: str
    axis: Axis
    strips: list[Strip]
    band: tuple[float, float, float] | None
    width: int
    height: int
    left: int


def distributions(data: RunData, recognizer: str) -> list[Distribution]:
    """How sim_ref and sim_gt are spread over people, per model."""
    band = data.summary["recognizers"][recognizer]["strict"]["natural_band"]
    rows = data.rows(recognizer, "strict")
    return [found for metric in ("sim_ref", "sim_gt") if (found := _distribution(data, rows, metric, band))]


def _distribution(data: RunData, rows: Any, metric: str, band: dict[str, Any] | None) -> Distribution | None:
    values = {m: np.sort(part[metric].dropna().to_numpy(float)) for m, part in rows.groupby("model")}
    models = [m for m in data.models if len(values.get(m, ()))]
    if not models:
        return None
    low = min(0.0, *(float(values[m][0]) for m in models))
    left = 12 + max(7 * len(shortened(m, LONGEST)) for m in models)
    axis = Axis(math.floor(low * 10) / 10, 1.02, left, WIDTH - RIGHT)
    strips = [_strip(m, values[m], axis, i, data.is_oracle(m)) for i, m in enumerate(models)]
    edges = tuple(axis.clipped(band[k]) for k in ("low", "median", "high")) if band else None
    title = data.summary["metrics"][metric]["title"]
    return Distribution(metric, title, axis, strips, edges, WIDTH, TOP + ROW * len(models) + BOTTOM, left)  # type: ignore[arg-type]


def _strip(model: str, values: Any, axis: Axis, row: int, oracle: bool) -> Strip:
    """Dots are an even selection of the sorted values, spread by the golden ratio so that they stay put."""
    y = TOP + ROW * (row + 0.5)
    chosen = (
        values if len(values) <= MAX_DOTS else values[np.linspace(0, len(values) - 1, MAX_DOTS).round().astype(int)]
    )
    dots = [(axis(v), round(y + ((i * 0.618034) % 1 - 0.5) * ROW * 0.62, 2)) for i, v in enumerate(chosen)]
    a, b, c, d, e = (axis(float(q)) for q in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]))
    return Strip(
        model, shortened(model, LONGEST), y, oracle, len(values), float(np.median(values)), (a, b, c, d, e), dots
    )
