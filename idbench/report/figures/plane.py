"""Geometry of the plane of fidelity against copying; the templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from idbench.render.axis import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Axis
from idbench.render.labels import place
from idbench.report.data import RunData
from idbench.report.figures.sweeps import Sweep, sweeps
from idbench.report.footnotes import name

__all__ = ["planes", "sweep_plane"]

HEIGHT = 460
MAX_LABELS = 11
"""Values of a sweep that are written beside their points and have an ellipse; of more, an even selection."""
Where = Mapping[str, tuple[float, float]]
Range = tuple[float, float]


@dataclass
class Point:
    """A model in the plane; the ellipse is (rx, ry, degrees) in pixels; a variant is one value of a sweep."""

    model: str
    x: float
    y: float
    px: float
    py: float
    oracle: bool
    on_front: bool
    variant: bool = False
    ellipse: tuple[float, float, float] | None = None
    label: Any = None


@dataclass
class Plane:
    """One drawing of the plane: axes, points, paths of sweeps, front, line and floor in pixels."""

    title: str
    xaxis: Axis
    yaxis: Axis
    points: list[Point] = field(default_factory=list)
    curve: bool = False
    paths: list[str] = field(default_factory=list)
    front: str = ""
    line: tuple[float, float, float, float] | None = None
    floor: float | None = None
    width: int = WIDTH
    height: int = HEIGHT


def planes(data: RunData, recognizer: str) -> list[Plane]:
    """The plane around the models, and the whole one with the oracles; [] where nothing can be drawn.

    Models are named in the plane of their own, of a sweep both ends; oracles where they are drawn.
    """
    group = data.group(recognizer, "strict")
    where = _positions(data, group)
    judged = {m: p for m, p in where.items() if not data.is_oracle(m)}
    swept = sweeps(data)
    single = judged.keys() - {m for sweep in swept for m in sweep.models}
    drawn = []
    if judged:
        names = {m: name(data, m, [recognizer]) for m in single} | _ends(data, recognizer, swept, judged)
        ranges = _ranges(judged, group, single, [group["copy_paste_floor"]])
        drawn.append(_plane("The models", data, group, judged, ranges, names, swept, single))
    if len(where) > len(judged):
        xs = [x for x, _ in where.values()]
        whole = (min(-0.05, *xs) - 0.05, 1.05), (-1.12, 1.12)
        oracles = {m: m for m in where if data.is_oracle(m)}
        drawn.append(_plane("With the oracles", data, group, where, whole, oracles, swept, single))
    return drawn


def sweep_plane(data: RunData, recognizer: str, sweep: Sweep) -> Plane | None:
    """The curve of a sweep, beside the line that the other models draw; None where no point is known."""
    group = data.group(recognizer, "strict")
    where = {m: p for m, p in _positions(data, group).items() if m in sweep.models}
    if not where:
        return None
    order = [m for m in sweep.models if m in where]
    kept = {*order[:: -(-len(order) // MAX_LABELS)], order[-1]}
    names = {m: text for m, text in sweep.labels.items() if m in kept}
    title = f"{name(data, order[0], [recognizer]).replace(order[0], sweep.of)} over {sweep.parameter}"
    plane = _plane(title, data, group, where, _ranges(where, group, kept), names, [sweep], kept)
    return replace(
        plane, curve=True, front="", points=[replace(p, on_front=False, variant=False) for p in plane.points]
    )


def _ends(data: RunData, recognizer: str, swept: Sequence[Sweep], where: Collection[str]) -> dict[str, str]:
    """Names of each sweep's first and last point; those between would not fit."""
    names = {}
    for sweep in swept:
        known = [m for m in sweep.models if m in where]
        for model in {*known[:1], *known[-1:]}:
            signs = name(data, model, [recognizer]).removeprefix(model)
            names[model] = f"{sweep.of}@{sweep.labels[model]}{signs}"
    return names


def _positions(data: RunData, group: dict[str, Any]) -> dict[str, tuple[float, float]]:
    models, names = group["models"], ("sim_gt_failure_aware", "copy_paste")
    return {
        m: (models[m][names[0]]["mean"], models[m][names[1]]["mean"])
        for m in data.models if all(name in models.get(m, {}) for name in names)
    }  # fmt: skip


def _ranges(
    where: Where, group: dict[str, Any], spread: Collection[str], xs: Sequence[float] = ()
) -> tuple[Range, Range]:
    """Both ranges, so that points, the ellipses of `spread`, and `xs` fit."""
    ranges = []
    for k in (0, 1):
        values = [p[k] for p in where.values()]
        for model, matrix in group["tradeoff"].get("ellipses", {}).items():
            if model in where and model in spread:
                reach = 2.45 * math.sqrt(max(0.0, matrix[k][k]))
                values += [where[model][k] - reach, where[model][k] + reach]
        if k == 0:
            values += xs
        low, high = min(values), max(values)
        pad = max(0.08 * (high - low), 0.03)
        ranges.append((low - pad, high + pad))
    return ranges[0], ranges[1]


def _plane(
    title: str,
    data: RunData,
    group: dict[str, Any],
    where: Where,
    ranges: tuple[Range, Range],
    names: Mapping[str, str],
    swept: Sequence[Sweep],
    spread: Collection[str],
) -> Plane:
    """names : the points that get a label; spread : those that get an ellipse."""
    xaxis, yaxis = Axis(*ranges[0], LEFT, WIDTH - RIGHT), Axis(*ranges[1], HEIGHT - BOTTOM, TOP)
    plane = Plane(title, xaxis, yaxis)
    found = group["tradeoff"]
    variants = {m for sweep in swept for m in sweep.models}
    for model, (x, y) in where.items():
        matrix = found.get("ellipses", {}).get(model)
        ellipse = _ellipse(matrix, plane, data.summary["level"]) if matrix and model in spread else None
        point = Point(model, x, y, xaxis(x), yaxis(y), data.is_oracle(model), model in found["pareto"])
        plane.points.append(replace(point, variant=model in variants, ellipse=ellipse))
    if xaxis.low <= group["copy_paste_floor"] <= xaxis.high:
        plane.floor = xaxis(group["copy_paste_floor"])
    plane.front = _staircase([where[m] for m in found["pareto"] if m in where], plane)
    plane.line = _fit(_shaping(data, group), plane)
    plane.paths = [path for sweep in swept if sweep.numeric and (path := _path(sweep.models, where, plane))]
    _name(plane.points, names)
    return plane


def _shaping(data: RunData, group: dict[str, Any]) -> list[tuple[float, float]]:
    """The points that shape the line: models above the floor that are no variants of a sweep."""
    return [
        p for m, p in _positions(data, group).items()
        if not data.is_oracle(m) and m not in data.variants and p[0] >= group["copy_paste_floor"]
    ]  # fmt: skip


def _path(models: Sequence[str], where: Where, plane: Plane) -> str:
    """SVG path through the models' points; empty for fewer than two."""
    known = [where[m] for m in models if m in where]
    return "M" + "L".join(f"{plane.xaxis(x)} {plane.yaxis(y)}" for x, y in known) if len(known) > 1 else ""


def _name(points: Sequence[Point], names: Mapping[str, str]) -> None:
    named = [p for p in points if p.model in names]
    texts = [(p.px, p.py, names[p.model]) for p in named]
    labels = place(texts, [(p.px, p.py) for p in points], WIDTH, TOP, HEIGHT - BOTTOM)
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
