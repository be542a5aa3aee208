"""Where the names of points go, so that they cover neither points nor each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Label", "place", "shortened"]

Array = npt.NDArray[np.float64]

CHARACTER, LINE = 6.6, 13.0
"""Estimated width of a character and height of a line, in pixels."""
MAX_LENGTH = 28
DIRECTIONS = np.array([(1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (-0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)])
OFFSETS = np.concatenate([radius * DIRECTIONS for radius in (9, 20, 34, 50)])
"""Tried offsets of a label's near side from its point, (32, 2), in pixels, nearest first."""
FAR = 2 * len(DIRECTIONS)
"""From this offset on, a line leads from the label to the point."""
BACK = np.where(OFFSETS < 0, 1.0, np.where(OFFSETS == 0, 0.5, 0.0))
"""Which share of its width and height a label reaches back from the offset, (32, 2)."""


@dataclass(frozen=True)
class Label:
    """Text, its baseline in pixels, and which end of it lies at x; `far` asks for a line to the point."""

    text: str
    x: float
    y: float
    anchor: str
    far: bool


def shortened(name: str, longest: int = MAX_LENGTH) -> str:
    """A name that fits; its end stays, because there the values of a sweep differ."""
    return name if len(name) <= longest else f"{name[: longest - 10]}…{name[-9:]}"


def place(
    named: Sequence[tuple[float, float, str]],
    points: Sequence[tuple[float, float]],
    width: float,
    top: float,
    bottom: float,
) -> list[Label]:
    """One label per (x, y, name): the nearest place free of `points` and of earlier labels."""
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    labels = []
    for x, y, name in named:
        text = shortened(name)
        size = np.array([CHARACTER * len(text), LINE])
        low = np.array([x, y]) + OFFSETS - BACK * size
        high = low + size
        inside = (low > (66, top)).all(axis=1) & (high < (width - 4, bottom)).all(axis=1)
        covered = _covered(low, high, np.array(taken).reshape(-1, 4))
        best = int(np.where(inside | ~inside.any(), covered, np.inf).argmin())
        left, upper, right, lower = (float(edge) for edge in (*low[best], *high[best]))
        taken.append((left, upper, right, lower))
        labels.append(_label(text, x, left, right, lower, far=best >= FAR))
    return labels


def _covered(low: Array, high: Array, taken: Array) -> Array:
    """How much of the rectangles `taken` (n, 4) each box from `low` to `high` (k, 2) covers, in square pixels: (k,)."""
    sides = np.minimum(high[:, None], taken[:, 2:]) - np.maximum(low[:, None], taken[:, :2])
    areas: Array = np.maximum(sides, 0.0).prod(axis=2).sum(axis=1)
    return areas


def _label(text: str, x: float, left: float, right: float, lower: float, far: bool) -> Label:
    """Held at the end nearest to the point, so that a wrong guess of the width does no harm there."""
    if left > x:
        anchor, at = "start", left
    elif right < x:
        anchor, at = "end", right
    else:
        anchor, at = "middle", (left + right) / 2
    return Label(text, round(at, 1), round(lower - 3, 1), anchor, far)
