"""Geometry of the plane of fidelity against copying; the templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from idbench.report.axis import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Axis
from idbench.report.data import RunData
from idbench.report.labels import place

__all__ = ["planes"]

HEIGHT = 460


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
    shaping = [p for m, p in where.items() if not data.is_oracle(m) and p[0] >= group["copy_paste_floor"]]
    plane.line = _fit(shaping, plane)
    _name(plane.points)
    return plane


def _name(points: Sequence[Point]) -> None:
    """Labels; where oracles are drawn only they get one, since the models have theirs in the plane of their own."""
    named = [p for p in points if p.oracle] or points
    labels = place([(p.px, p.py, p.model) for p in named], [(p.px, p.py) for p in points], WIDTH, TOP, HEIGHT - BOTTOM)
    for point, label in zip(named, labels, strict=True):
        point.label = label


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
    """The least-squares line over three or more models above the floor, cut to the drawing."""
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
