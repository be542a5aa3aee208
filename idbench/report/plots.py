"""Geometry of the report's figures; the templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from idbench.report.data import RunData
from idbench.report.labels import place

__all__ = ["Axis", "distributions", "planes"]

WIDTH, HEIGHT = 640, 460
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 48
ROW = 26
MOST_DOTS = 200


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to pixels, with round ticks."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixels of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def clipped(self, value: float) -> float:
        """Pixels of a value, kept inside the axis."""
        return self(min(max(value, self.low), self.high))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Pixels and label of each tick."""
        step = _round_step((self.high - self.low) / 5)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(self(i * step), f"{i * step + 0.0:.{digits}f}".replace("-", "−")) for i in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)


@dataclass
class Point:
    """A model in the plane; the ellipse is (rx, ry, degrees) in pixels."""

    model: str
    x: float
    y: float
    px: float
    py: float
    oracle: bool
    on_front: bool
    ellipse: tuple[float, float, float] | None = None
    label: Any = None


@dataclass
class Plane:
    """One drawing of the plane: axes, points, front, line and floor in pixels."""

    title: str
    xaxis: Axis
    yaxis: Axis
    points: list[Point] = field(default_factory=list)
    front: str = ""
    line: tuple[float, float, float, float] | None = None
    floor: float | None = None
    width: int = WIDTH
    height: int = HEIGHT


def planes(data: RunData, recognizer: str) -> list[Plane]:
    """The plane around the models, and the whole one with the oracles; [] where nothing can be drawn."""
    group = data.group(recognizer, "strict")
    where = _positions(data, group["models"])
    judged = {m: p for m, p in where.items() if not data.is_oracle(m)}
    drawn = []
    if judged:
        drawn.append(_plane("The models", judged, group, data, *_ranges(judged, group)))
    if len(where) > len(judged):
        xs = [x for x, _ in where.values()]
        drawn.append(_plane("With the oracles", where, group, data, (min(-0.05, *xs) - 0.05, 1.05), (-1.12, 1.12)))
    return drawn


def _positions(data: RunData, models: dict[str, Any]) -> dict[str, tuple[float, float]]:
    names = ("sim_gt_failure_aware", "copy_paste")
    return {
        m: (models[m][names[0]]["mean"], models[m][names[1]]["mean"])
        for m in data.models if all(name in models.get(m, {}) for name in names)
    }  # fmt: skip


def _ranges(where: dict[str, tuple[float, float]], group: dict[str, Any]) -> tuple[Any, Any]:
    """Both ranges, so that points and their ellipses fit."""
    ranges = []
    for k in (0, 1):
        values = [p[k] for p in where.values()]
        for model, matrix in group["tradeoff"].get("ellipses", {}).items():
            if model in where:
                reach = 2.45 * math.sqrt(max(0.0, matrix[k][k]))
                values += [where[model][k] - reach, where[model][k] + reach]
        if k == 0:
            values.append(group["copy_paste_floor"])
        low, high = min(values), max(values)
        pad = max(0.08 * (high - low), 0.03)
        ranges.append((low - pad, high + pad))
    return ranges[0], ranges[1]


def _plane(
    title: str,
    where: dict[str, tuple[float, float]],
    group: dict[str, Any],
    data: RunData,
    xrange: tuple[float, float],
    yrange: tuple[float, float],
) -> Plane:
    xaxis, yaxis = Axis(*xrange, LEFT, WIDTH - RIGHT), Axis(*yrange, HEIGHT - BOTTOM, TOP)
    plane = Plane(title, xaxis, yaxis, floor=xaxis(group["copy_paste_floor"]))
    found = group["tradeoff"]
    for model, (x, y) in where.items():
        matrix = found.get("ellipses", {}).get(model)
        ellipse = _ellipse(matrix, plane, data.summary["level"]) if matrix else None
        oracle = data.is_oracle(model)
        on_front = model in found["pareto"]
        plane.points.append(Point(model, x, y, xaxis(x), yaxis(y), oracle, on_front, ellipse))
    plane.front = _staircase([where[m] for m in found["pareto"] if m in where], plane)
    plane.line = _fit([p for m, p in where.items() if not data.is_oracle(m)], plane)
    for point, label in zip(plane.points, place([(p.px, p.py, p.model) for p in plane.points], WIDTH, TOP, HEIGHT - BOTTOM), strict=True):
        point.label = label
    return plane


def _ellipse(matrix: list[list[float]], plane: Plane, level: float) -> tuple[float, float, float] | None:
    """The region that holds `level` of a normal distribution with this covariance, in pixels."""
    sx = (plane.xaxis.end - plane.xaxis.start) / (plane.xaxis.high - plane.xaxis.low)
    sy = (plane.yaxis.end - plane.yaxis.start) / (plane.yaxis.high - plane.yaxis.low)
    scale = np.diag([sx, sy])
    values, vectors = np.linalg.eigh(scale @ np.asarray(matrix, np.float64) @ scale)
    radii = np.sqrt(np.maximum(values, 0) * -2 * math.log(1 - level))
    if not np.isfinite(radii).all() or radii.max() < 0.5:
        return None
    angle = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1]))
    return round(float(radii[1]), 2), round(float(max(radii[0], 0.5)), 2), round(angle, 2)


def _staircase(front: Sequence[tuple[float, float]], plane: Plane) -> str:
    """SVG path along the edge of what the front dominates, from the worst corner's side to the other."""
    if not front:
        return ""
    x, y = plane.xaxis, plane.yaxis
    path = f"M{x.clipped(x.low)} {y.clipped(front[0][1])}"
    for (px, _), (_, following) in zip(front, [*front[1:], (0.0, y.high)], strict=True):
        path += f"H{x.clipped(px)}V{y.clipped(following)}"
    return path


def _fit(points: Sequence[tuple[float, float]], plane: Plane) -> tuple[float, float, float, float] | None:
    """The least-squares line over three or more models, cut to the drawing."""
    xs, ys = (np.array(values) for values in zip(*points, strict=True)) if len(points) > 2 else (np.zeros(0),) * 2
    if len(xs) < 3 or np.ptp(xs) < 1e-9:
        return None
    slope = float(((xs - xs.mean()) * (ys - ys.mean())).sum() / ((xs - xs.mean()) ** 2).sum())
    offset = float(ys.mean() - slope * xs.mean())
    ends = [plane.xaxis.low, plane.xaxis.high]
    if abs(slope) > 1e-12:
        cuts = sorted((value - offset) / slope for value in (plane.yaxis.low, plane.yaxis.high))
        ends = [max(ends[0], cuts[0]), min(ends[1], cuts[1])]
    if ends[0] >= ends[1]:
        return None
    a, b = ends
    return plane.xaxis(a), plane.yaxis(slope * a + offset), plane.xaxis(b), plane.yaxis(slope * b + offset)


@dataclass
class Strip:
    """One model's values: box (5, 25, 50, 75, 95 %) and dots, in pixels."""

    model: str
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
    left = 12 + min(190, max(int(6.3 * len(m)) for m in models))
    axis = Axis(math.floor(low * 10) / 10, 1.02, left, WIDTH - RIGHT)
    strips = [_strip(m, values[m], axis, i, data.is_oracle(m)) for i, m in enumerate(models)]
    edges = tuple(axis.clipped(band[k]) for k in ("low", "median", "high")) if band else None
    title = data.summary["metrics"][metric]["title"]
    return Distribution(metric, title, axis, strips, edges, WIDTH, TOP + ROW * len(models) + BOTTOM, left)  # type: ignore[arg-type]


def _strip(model: str, values: Any, axis: Axis, row: int, oracle: bool) -> Strip:
    """Dots are an even selection of the sorted values, spread by the golden ratio so that they stay put."""
    y = TOP + ROW * (row + 0.5)
    chosen = values if len(values) <= MOST_DOTS else values[np.linspace(0, len(values) - 1, MOST_DOTS).round().astype(int)]
    dots = [(axis(v), round(y + ((i * 0.618034) % 1 - 0.5) * ROW * 0.62, 2)) for i, v in enumerate(chosen)]
    a, b, c, d, e = (axis(float(q)) for q in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]))
    return Strip(model, y, oracle, len(values), float(np.median(values)), (a, b, c, d, e), dots)
