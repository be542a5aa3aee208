"""Geometry of the plane of fidelity against copying; the templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from idbench.records.summary import StrictGroup
from idbench.render.axis import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Axis
from idbench.render.labels import Label, place
from idbench.report.data import RunData
from idbench.report.footnotes import Footnotes
from idbench.report.sweeps import Sweep

__all__ = ["Plane", "Planes", "Point"]

HEIGHT = 460
MAX_LABELS = 11
"""Values of a sweep that are written beside their points and have an ellipse; of more, an even selection."""
Position = tuple[float, float]
"""Failure-aware similarity to the target, and copy-paste."""
Where = Mapping[str, Position]
Range = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A model in the plane; the ellipse is (rx, ry, degrees) in pixels; a variant is one value of a sweep."""

    model: str
    x: float
    y: float
    px: float
    py: float
    oracle: bool
    on_front: bool
    variant: bool
    ellipse: tuple[float, float, float] | None
    label: Label | None = None


@dataclass(frozen=True)
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


class Planes:
    """The drawings of one recognizer's plane."""

    def __init__(self, data: RunData, recognizer: str, footnotes: Footnotes) -> None:
        self._data, self._footnotes = data, footnotes
        self._group = data.group(recognizer)
        self._where = _positions(data.models, self._group)

    def all(self) -> list[Plane]:
        """The plane around the models, and the whole one with the oracles; [] where nothing can be drawn.

        Models are named in the plane of their own, of a sweep both ends; oracles where they are drawn.
        """
        data, where = self._data, self._where
        evaluated = {m: p for m, p in where.items() if m not in data.oracles}
        single = evaluated.keys() - {m for sweep in data.sweeps for m in sweep.models}
        drawn = []
        if evaluated:
            names = {m: self._footnotes.name(m) for m in single} | self._ends(evaluated)
            ranges = self._ranges(evaluated, single, [self._group.copy_paste_floor])
            drawn.append(self._plane("The models", evaluated, ranges, names, data.sweeps, single))
        if len(where) > len(evaluated):
            whole = (min(-0.05, *(x for x, _ in where.values())) - 0.05, 1.05), (-1.12, 1.12)
            oracles = {m: m for m in where if m in data.oracles}
            drawn.append(self._plane("With the oracles", where, whole, oracles, data.sweeps, single))
        return drawn

    def curve(self, sweep: Sweep) -> Plane | None:
        """The curve of a sweep, beside the line that the other models draw; None where no point is known."""
        where = {m: p for m, p in self._where.items() if m in sweep.models}
        if not where:
            return None
        order = [m for m in sweep.models if m in where]
        kept = {*order[:: -(-len(order) // MAX_LABELS)], order[-1]}
        names = {m: text for m, text in sweep.labels.items() if m in kept}
        title = f"{self._footnotes.name(order[0]).replace(order[0], sweep.of)} over {sweep.parameter}"
        plane = self._plane(title, where, self._ranges(where, kept), names, [sweep], kept)
        points = [replace(p, on_front=False, variant=False) for p in plane.points]
        return replace(plane, curve=True, front="", points=points)

    def _ends(self, where: Collection[str]) -> dict[str, str]:
        """Names of each sweep's first and last point; those between would not fit."""
        names = {}
        for sweep in self._data.sweeps:
            known = [m for m in sweep.models if m in where]
            for model in {*known[:1], *known[-1:]}:
                signs = self._footnotes.name(model).removeprefix(model)
                names[model] = f"{sweep.of}@{sweep.labels[model]}{signs}"
        return names

    def _ranges(self, where: Where, spread: Collection[str], xs: Sequence[float] = ()) -> tuple[Range, Range]:
        """Both ranges, so that points, the ellipses of `spread`, and `xs` fit."""
        values = [[p[0] for p in where.values()], [p[1] for p in where.values()]]
        radius = _ellipse_radius(self._data.summary.level)
        for model, matrix in self._group.tradeoff.ellipses.items():
            if model in where and model in spread:
                for k in (0, 1):
                    reach = radius * math.sqrt(max(0.0, matrix[k][k]))
                    values[k] += [where[model][k] - reach, where[model][k] + reach]
        return _padded([*values[0], *xs]), _padded(values[1])

    def _plane(
        self,
        title: str,
        where: Where,
        ranges: tuple[Range, Range],
        names: Mapping[str, str],
        sweeps: Sequence[Sweep],
        spread: Collection[str],
    ) -> Plane:
        """names : the points that get a label; spread : those that get an ellipse."""
        plane = Plane(title, Axis(*ranges[0], LEFT, WIDTH - RIGHT), Axis(*ranges[1], HEIGHT - BOTTOM, TOP))
        front, floor = self._group.tradeoff.pareto, self._group.copy_paste_floor
        variants = {m for sweep in sweeps for m in sweep.models}
        points = [self._point(m, where[m], plane, m in variants, m in spread) for m in where]
        paths = [_path(sweep.models, where, plane) for sweep in sweeps if sweep.numeric]
        return replace(
            plane,
            points=_labelled(points, names),
            paths=[path for path in paths if path],
            front=_staircase([where[m] for m in front if m in where], plane),
            line=_fit(self._shaping(), plane),
            floor=plane.xaxis(floor) if plane.xaxis.low <= floor <= plane.xaxis.high else None,
        )

    def _point(self, model: str, position: Position, plane: Plane, variant: bool, spread: bool) -> Point:
        x, y = position
        found = self._group.tradeoff
        matrix = found.ellipses.get(model) if spread else None
        ellipse = _ellipse(matrix, plane, self._data.summary.level) if matrix else None
        oracle = model in self._data.oracles
        return Point(model, x, y, plane.xaxis(x), plane.yaxis(y), oracle, model in found.pareto, variant, ellipse)

    def _shaping(self) -> list[Position]:
        """The points that shape the line: models above the floor that are no values of a sweep."""
        left_out = {*self._data.oracles, *self._data.summary.variants}
        return [p for m, p in self._where.items() if m not in left_out and p[0] >= self._group.copy_paste_floor]


def _positions(models: Sequence[str], group: StrictGroup) -> dict[str, Position]:
    found = {}
    for model in models:
        values = group.models.get(model, {})
        x, y = (values[name].mean if name in values else None for name in ("sim_gt_failure_aware", "copy_paste"))
        if x is not None and y is not None:
            found[model] = (x, y)
    return found


def _padded(values: Sequence[float]) -> Range:
    low, high = min(values), max(values)
    pad = max(0.08 * (high - low), 0.03)
    return low - pad, high + pad


def _path(models: Sequence[str], where: Where, plane: Plane) -> str:
    """SVG path through the models' points; empty for fewer than two."""
    known = [where[m] for m in models if m in where]
    return "M" + "L".join(f"{plane.xaxis(x)} {plane.yaxis(y)}" for x, y in known) if len(known) > 1 else ""


def _labelled(points: Sequence[Point], names: Mapping[str, str]) -> list[Point]:
    """The points, those that have a name with a label."""
    named = [(p.px, p.py, names[p.model]) for p in points if p.model in names]
    labels = iter(place(named, [(p.px, p.py) for p in points], WIDTH, TOP, HEIGHT - BOTTOM))
    return [replace(p, label=next(labels)) if p.model in names else p for p in points]


def _ellipse_radius(level: float) -> float:
    """Standard deviations from the centre within which a bivariate normal distribution has `level` of its mass."""
    return math.sqrt(-2 * math.log(1 - level))


def _ellipse(matrix: list[list[float]], plane: Plane, level: float) -> tuple[float, float, float] | None:
    """The region that holds `level` of a normal distribution with this covariance, in pixels."""
    sx = (plane.xaxis.end - plane.xaxis.start) / (plane.xaxis.high - plane.xaxis.low)
    sy = (plane.yaxis.end - plane.yaxis.start) / (plane.yaxis.high - plane.yaxis.low)
    scale = np.diag([sx, sy])
    values, vectors = np.linalg.eigh(scale @ np.asarray(matrix, np.float64) @ scale)
    radii = _ellipse_radius(level) * np.sqrt(np.maximum(values, 0))
    if not np.isfinite(radii).all() or radii.max() < 0.5:
        return None
    angle = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1]))
    return round(float(radii[1]), 2), round(float(max(radii[0], 0.5)), 2), round(angle, 2)


def _staircase(front: Sequence[Position], plane: Plane) -> str:
    """SVG path along the edge of what the front dominates, from the worst corner's side to the other."""
    if not front:
        return ""
    x, y = plane.xaxis, plane.yaxis
    path = f"M{x.clipped(x.low)} {y.clipped(front[0][1])}"
    for (px, _), (_, following) in zip(front, [*front[1:], (0.0, y.high)], strict=True):
        path += f"H{x.clipped(px)}V{y.clipped(following)}"
    return path


def _fit(points: Sequence[Position], plane: Plane) -> tuple[float, float, float, float] | None:
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
