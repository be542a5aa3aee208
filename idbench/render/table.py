"""Tables: cells in full precision, and as readers see them. Templates, `latex` and `markdown` set the latter."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal, Protocol

__all__ = ["ARROWS", "MISSING", "Cell", "Column", "Marked", "Number", "Quantity", "Row", "Shown", "Table", "slug"]

MISSING = "–"
FEW = 5
"""Values below which a mean says over how many it is."""
MAX_SLUG = 80
ARROWS = {"higher": "↑", "lower": "↓", "zero": "→0"}
"""Which way is better, as a sign; none where the metric only explains."""


class Quantity(Protocol):
    """A mean with what is known of its uncertainty, such as an `Estimate`; None means not measured, never 0."""

    @property
    def mean(self) -> float | None:
        """The mean."""

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""

    @property
    def n(self) -> int | None:
        """How many values the mean is over."""


@dataclass(frozen=True)
class Number:
    """A quantity that the summary does not hold as one."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Marked:
    """A name with signs beside it that the table's legend explains; `meaning` is theirs in words."""

    text: str
    signs: str
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.signs}"


Cell = str | int | Quantity | Marked | None


@dataclass(frozen=True)
class Column:
    """What a column holds. `group` is a heading over neighbours that share it."""

    name: str
    title: str
    kind: Literal["text", "count", "number", "p"] = "text"
    group: str = ""
    direction: str = "context"
    meaning: str = ""
    digits: int = 3
    interval: bool = True

    def number(self, value: float | None) -> str:
        """A rounded number with an ASCII minus, or the sign for missing."""
        if value is None or not math.isfinite(value):
            return MISSING
        if self.kind == "p" and 0 <= value < 0.001:
            return "<0.001"
        text = f"{value:.{self.digits}f}"
        return text.removeprefix("-") if float(text) == 0 else text

    def shown(self, cell: Cell) -> Shown:
        """The cell as readers see it."""
        if cell is None or isinstance(cell, str | int | Marked):
            return Shown(self, cell, MISSING if cell is None else str(cell))
        if self.kind != "number" or not self.interval:
            return Shown(self, cell, self.number(cell.mean))
        known = cell.low is not None and cell.high is not None
        interval = f"[{self.number(cell.low)}, {self.number(cell.high)}]" if known else MISSING
        if cell.n is not None and 0 < cell.n < FEW:
            interval += f" n={cell.n}"
        return Shown(self, cell, self.number(cell.mean), interval)


@dataclass(frozen=True)
class Shown:
    """A cell as readers see it: rounded, and its interval where the column has one."""

    column: Column
    cell: Cell
    text: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """Cells in the order of the columns; rows of oracles stand apart."""

    cells: Sequence[Cell]
    oracle: bool = False


@dataclass(frozen=True)
class Table:
    """A named table; `name` becomes the file name."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    legend: Sequence[str] = ()

    @cached_property
    def headings(self) -> list[str]:
        """Title and arrow of every column."""
        return [f"{column.title} {ARROWS.get(column.direction, '')}".strip() for column in self.columns]

    @cached_property
    def groups(self) -> list[tuple[str, int]]:
        """Headings over neighbouring columns, with how many columns each spans; [] where no column has one."""
        found = [(name, len(list(part))) for name, part in groupby(column.group for column in self.columns)]
        return found if any(name for name, _ in found) else []

    @cached_property
    def shown(self) -> list[list[Shown]]:
        """Every row as readers see it."""
        return [[column.shown(cell) for column, cell in zip(self.columns, row.cells, strict=True)] for row in self.rows]

    @cached_property
    def lines(self) -> list[list[str]]:
        """The rows as text, number and interval in one."""
        return [[f"{cell.text} {cell.interval}".rstrip() for cell in row] for row in self.shown]

    @cached_property
    def bodies(self) -> dict[bool, list[list[Shown]]]:
        """Rows of models (False) and of oracles (True), which stand apart; only those that exist."""
        found: dict[bool, list[list[Shown]]] = {}
        for row, shown in zip(self.rows, self.shown, strict=True):
            found.setdefault(row.oracle, []).append(shown)
        return dict(sorted(found.items()))


def slug(name: str) -> str:
    """A recognizer's name as part of a file name, cut where file systems would not take it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:MAX_SLUG].strip("-.") or "unnamed"
