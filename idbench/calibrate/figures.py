"""Geometry of the page's figures; the template draws it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from idbench.calibrate.curves import Point
from idbench.render.axis import BOTTOM, LEFT, RIGHT, TOP, Axis

__all__ = ["Figure", "Line", "Series", "histogram", "line_figure"]

WIDTH, HEIGHT = 520, 290

NARROWEST = 0.4
"""Least height of the vertical axis, so that a flat curve looks flat."""

BIN = 0.04


@dataclass(frozen=True)
class Series:
    """A named row of points; None means not measured there."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Line:
    """A series in pixels: its path, the area of its intervals or under it, and (x, y, text) of each point."""

    name: str
    path: str
    area: str
    dots: list[tuple[float, float, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """One drawing. zone: the pixels (upper, lower) between which the lines should be; mark: a vertical line."""

    title: str
    across: str
    up: str
    xaxis: Axis
    yaxis: Axis
    lines: list[Line]
    zone: tuple[float, float] | None = None
    mark: float | None = None
    width: int = WIDTH
    height: int = HEIGHT


def line_figure(
    title: str,
    across: str,
    up: str,
    series: Sequence[Series],
    zone: tuple[float, float] | None = None,
    whole: tuple[float, float] | None = None,
) -> Figure:
    """Curves with their intervals. zone: values between which they should be; whole: the vertical axis' range."""
    xaxis = Axis(*_spread([point.at for one in series for point in one.points], 0.03, 0), LEFT, WIDTH - RIGHT)
    yaxis = Axis(*(whole or _spread(_heights(series, zone), 0.06, NARROWEST)), HEIGHT - BOTTOM, TOP)
    lines = [_line(one, xaxis, yaxis) for one in series]
    edges = (yaxis(zone[1]), yaxis(zone[0])) if zone else None
    return Figure(title, across, up, xaxis, yaxis, lines, edges)


def _heights(series: Sequence[Series], zone: tuple[float, float] | None) -> list[float]:
    ends = [v for one in series for p in one.points for v in (p.mean, p.low, p.high) if v is not None]
    return [*ends, *(zone or ())]


def _spread(values: Sequence[float], margin: float, least: float) -> tuple[float, float]:
    """A range that holds the values with a margin, at least `least` wide."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = max(margin * (high - low), (least - (high - low)) / 2, 1e-3)
    return low - pad, high + pad


def _line(series: Series, xaxis: Axis, yaxis: Axis) -> Line:
    known = [(point.at, point.mean) for point in series.points if point.mean is not None]
    dots = [(xaxis(at), yaxis(mean), f"{series.name}: {mean:.3f} at {at:g}") for at, mean in known]
    sure = [p for p in series.points if p.low is not None and p.high is not None]
    upper = [(xaxis(p.at), yaxis(p.high)) for p in sure if p.high is not None]
    lower = [(xaxis(p.at), yaxis(p.low)) for p in sure if p.low is not None]
    return Line(series.name, _path([(x, y) for x, y, _ in dots]), _path([*upper, *lower[::-1]]), dots)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""


def histogram(
    title: str, across: str, groups: Sequence[tuple[str, npt.NDArray[np.float64]]], mark: float | None
) -> Figure | None:
    """How values are spread, each group as shares of its own; None where a group is empty."""
    if not all(len(values) for _, values in groups):
        return None
    every = np.concatenate([values for _, values in groups])
    first, last = np.floor(every.min() / BIN), np.ceil(every.max() / BIN)
    edges = BIN * np.arange(first, max(last, first + 1) + 1)
    shares = [(name, np.histogram(values, edges)[0] / len(values)) for name, values in groups]
    xaxis = Axis(float(edges[0]), float(edges[-1]), LEFT, WIDTH - RIGHT)
    yaxis = Axis(0.0, 1.08 * max(float(share.max()) for _, share in shares), HEIGHT - BOTTOM, TOP)
    lines = [Line(name, steps := _steps(edges, share, xaxis, yaxis), steps) for name, share in shares]
    return Figure(title, across, "share of pairs", xaxis, yaxis, lines, mark=None if mark is None else xaxis(mark))


def _steps(edges: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], xaxis: Axis, yaxis: Axis) -> str:
    """The outline of a histogram, from the ground to the ground."""
    path = f"M{xaxis(float(edges[0]))} {yaxis(0.0)}"
    for right, share in zip(edges[1:], shares, strict=True):
        path += f"V{yaxis(float(share))}H{xaxis(float(right))}"
    return path + f"V{yaxis(0.0)}"
