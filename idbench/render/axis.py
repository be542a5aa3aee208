"""A scale from values to pixels, and the measures that figures share."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BOTTOM", "LEFT", "RIGHT", "TOP", "WIDTH", "Axis"]

WIDTH = 640
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 48


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
        digits = next(d for d in range(12) if abs(round(step, d) - step) < 1e-9 * step)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(self(i * step), f"{i * step + 0.0:.{digits}f}".replace("-", "−")) for i in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
