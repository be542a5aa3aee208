"""What a curve or a rate must be like, and whether it is: pure functions of numbers already measured.

Every verdict carries the number that decides, the mark it must reach, and one sentence of what was found.
What could not be measured has not been shown to work, so it does not pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, spearmanr

from idbench.calibrate.curves import Curve
from idbench.render.table import MISSING

__all__ = [
    "COVERAGE",
    "MAX_MOVE",
    "NOMINAL",
    "RANK_CORRELATION",
    "Rate",
    "Verdict",
    "covers",
    "falls",
    "nominal",
    "rate_of",
    "rises",
    "steady",
    "unmoved",
]

RANK_CORRELATION = 0.98
"""Spearman's correlation with the dial that a metric must reach to follow it."""

MAX_MOVE = 0.05
"""How far a metric may move while a dial is turned that is none of its business."""

COVERAGE = (0.93, 0.97)
"""Share of 95 % intervals that must hold the value they are about."""

NOMINAL = (0.03, 0.07)
"""Share of pairs of equal models that may be called different at a level of 5 %."""


@dataclass(frozen=True)
class Verdict:
    """number: what decides, None if it could not be measured; shown: the number as a reader sees it; mark: what
    it must reach; found: one sentence."""

    number: float | None
    shown: str
    mark: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Rate:
    """A share of repeats with its exact 95 % binomial interval (Clopper and Pearson 1934)."""

    share: float
    low: float
    high: float
    repeats: int


def rate_of(hits: int, repeats: int) -> Rate:
    """How often something happened in `repeats` >= 1 independent repeats."""
    interval = binomtest(hits, repeats).proportion_ci()
    return Rate(hits / repeats, float(interval.low), float(interval.high), repeats)


def rises(curve: Curve) -> Verdict:
    """The metric rises with the dial: rank correlation of at least `RANK_CORRELATION`."""
    return _follows(curve, 1)


def falls(curve: Curve) -> Verdict:
    """The metric falls with the dial: rank correlation of at most minus `RANK_CORRELATION`."""
    return _follows(curve, -1)


def _follows(curve: Curve, sign: int) -> Verdict:
    mark = f"≥ {RANK_CORRELATION}" if sign > 0 else f"≤ −{RANK_CORRELATION}"
    if _unmeasured(curve):
        return _not_measured(curve, mark)
    first, last = curve.means[0], curve.means[-1]
    if np.ptp(curve.means) == 0:
        return Verdict(None, MISSING, mark, False, f"It is {_signed(first)} wherever the dial stands.")
    correlation = float(spearmanr(curve.at, curve.means).statistic)
    slope = float(np.polyfit(curve.at, curve.means, 1)[0])
    return Verdict(
        correlation,
        _signed(correlation),
        mark,
        sign * correlation >= RANK_CORRELATION,
        f"From {_signed(first)} to {_signed(last)}: rank correlation with the dial {_signed(correlation)}, "
        f"slope {_signed(slope)} per unit of the dial.",
    )


def steady(curve: Curve) -> Verdict:
    """The metric leaves its first value by less than `MAX_MOVE`."""
    mark = f"< {MAX_MOVE}"
    if _unmeasured(curve):
        return _not_measured(curve, mark)
    moves = np.abs(curve.means - curve.means[0])
    worst = int(moves.argmax())
    return Verdict(
        float(moves[worst]),
        f"{moves[worst]:.3f}",
        mark,
        bool(moves[worst] < MAX_MOVE),
        f"It moves by at most {moves[worst]:.3f} (from {_signed(curve.means[0])} to {_signed(curve.means[worst])}).",
    )


def unmoved(curve: Curve) -> Verdict:
    """The metric does not move beyond its uncertainty: every interval holds the first mean.

    The number is the distance to the first mean in half-widths of the interval, the largest of all.
    """
    mark = "≤ 1"
    if _unmeasured(curve) or any(point.low is None or point.high is None for point in curve.points):
        return _not_measured(curve, mark)
    origin = curve.means[0]
    reaches = [_reach(origin, point.mean, point.low, point.high) for point in curve.points[1:]]
    worst = max(reaches)
    return Verdict(
        worst,
        f"{worst:.2f}",
        mark,
        worst <= 1,
        f"It stays within {worst:.2f} of the half-width of its interval from where it began ({_signed(origin)}).",
    )


def _reach(origin: float, mean: float | None, low: float | None, high: float | None) -> float:
    """Distance of `origin` from `mean`, in units of the side of the interval that faces it."""
    assert mean is not None and low is not None and high is not None
    side = high - mean if origin > mean else mean - low
    gap = abs(origin - mean)
    return 0.0 if gap == 0 else float(gap / side) if side > 0 else float("inf")


def covers(rate: Rate) -> Verdict:
    """Nominal 95 % intervals hold the truth in a share within `COVERAGE`."""
    return _within(rate, COVERAGE, "of the intervals hold the value of the whole pool")


def nominal(rate: Rate) -> Verdict:
    """Equal models are called different in a share within `NOMINAL`."""
    return _within(rate, NOMINAL, "of the pairs are called different, where 5 % is what the level promises")


def _within(rate: Rate, bounds: tuple[float, float], what: str) -> Verdict:
    low, high = bounds
    passed = low <= rate.share <= high
    by_chance = not passed and rate.low <= high and rate.high >= low
    return Verdict(
        rate.share,
        f"{100 * rate.share:.1f} %",
        f"{100 * low:.0f} to {100 * high:.0f} %",
        passed,
        f"{_share(rate)} {what}." + (" Chance may explain it; more repeats would tell." if by_chance else ""),
    )


def _share(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} % [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def _unmeasured(curve: Curve) -> bool:
    return len(curve.points) < 2 or not np.isfinite(curve.means).all()


def _not_measured(curve: Curve, mark: str) -> Verdict:
    lacking = [f"{point.at:g}" for point in curve.points if point.mean is None]
    where = f" at {', '.join(lacking)} of the dial" if lacking else ""
    return Verdict(None, MISSING, mark, False, f"It could not be measured{where}.")


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"
