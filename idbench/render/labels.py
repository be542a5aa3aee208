"""Where the names of points go, so that they cover neither points nor each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Label", "place", "shortened"]

CHARACTER, LINE = 6.6, 13.0
LONGEST = 28
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Label:
    """Text, its baseline in pixels, and which end of it lies at x; `far` asks for a line to the point."""

    text: str
    x: float
    y: float
    anchor: str
    far: bool


def shortened(name: str, longest: int = LONGEST) -> str:
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
    taken: list[Rectangle] = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    labels = []
    for x, y, name in named:
        text = shortened(name)
        wide = CHARACTER * len(text)
        choices = [(r, _box(x, y, dx, dy, r, wide)) for r in (9, 20, 34, 50) for dx, dy in _DIRECTIONS]
        inside = [c for c in choices if c[1][0] > 66 and c[1][2] < width - 4 and c[1][1] > top and c[1][3] < bottom]
        radius, box = min(inside or choices, key=lambda c: (_covered(c[1], taken), c[0]))
        taken.append(box)
        labels.append(_label(text, x, box, radius > 20))
    return labels


def _label(text: str, x: float, box: Rectangle, far: bool) -> Label:
    """Held at the end nearest to the point, so that a wrong guess of the width does no harm there."""
    if box[0] > x:
        anchor, at = "start", box[0]
    elif box[2] < x:
        anchor, at = "end", box[2]
    else:
        anchor, at = "middle", (box[0] + box[2]) / 2
    return Label(text, round(at, 1), round(box[3] - 3, 1), anchor, far)


_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (-0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))


def _box(x: float, y: float, dx: float, dy: float, radius: float, wide: float) -> Rectangle:
    """The rectangle of a label whose near side lies `radius` from the point."""
    left = x + dx * radius - (wide if dx < 0 else wide / 2 if dx == 0 else 0)
    upper = y + dy * radius - (LINE if dy < 0 else LINE / 2 if dy == 0 else 0)
    return left, upper, left + wide, upper + LINE


def _covered(box: Rectangle, taken: Sequence[Rectangle]) -> float:
    """How much of the taken area the rectangle covers."""
    return sum(
        max(0.0, min(box[2], t[2]) - max(box[0], t[0])) * max(0.0, min(box[3], t[3]) - max(box[1], t[1])) for t in taken
    )
