"""One table, four renderings: HTML (by the templates), CSV in full precision, LaTeX and Markdown rounded."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from idbench.render import escape as markup
from idbench.store import write_bytes

__all__ = ["MISSING", "Cell", "Column", "Marked", "Number", "Row", "Table", "bare", "slug", "write_tables"]

MISSING = "–"
ARROWS = {"higher": "↑", "lower": "↓", "zero": "→0"}
SUFFIXES = (".csv", ".tex", ".md")


@dataclass(frozen=True)
class Number:
    """A mean with what is known of its uncertainty; None means not measured, never 0."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @staticmethod
    def of(entry: dict[str, Any] | None) -> Number | None:
        """From an entry of summary.json."""
        if entry is None or entry.get("mean") is None:
            return None
        return Number(entry["mean"], entry.get("low"), entry.get("high"), entry.get("n"))


@dataclass(frozen=True)
class Marked:
    """A name with signs beside it that the table's legend explains; `said` is their meaning in words."""

    text: str
    signs: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.signs}"


Cell = str | int | Number | Marked | None


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

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign; empty where the metric only explains."""
        return ARROWS.get(self.direction, "")

    @property
    def heading(self) -> str:
        """Title and arrow."""
        return f"{self.title} {self.arrow}".strip()

    def number(self, value: float | None) -> str:
        """A rounded number with an ASCII minus, or the sign for missing."""
        if value is None or not math.isfinite(value):
            return MISSING
        if self.kind == "p" and 0 <= value < 0.001:
            return "<0.001"
        text = f"{value:.{self.digits}f}"
        return text.removeprefix("-") if float(text) == 0 else text

    def interval_text(self, cell: Number) -> str:
        """[low, high], or the sign for missing."""
        if cell.low is None or cell.high is None:
            return MISSING
        return f"[{self.number(cell.low)}, {self.number(cell.high)}]"

    def text(self, cell: Cell) -> str:
        """The cell on one line."""
        if cell is None:
            return MISSING
        if not isinstance(cell, Number):
            return str(cell)
        mean = self.number(cell.mean)
        return f"{mean} {self.interval_text(cell)}" if self.kind == "number" and self.interval else mean


@dataclass(frozen=True)
class Row:
    """Cells in the order of the columns; an oracle row belongs to the ruler."""

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

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings over neighbouring columns, with how many columns each spans."""
        return [(name, len(list(part))) for name, part in groupby(self.columns, key=lambda c: c.group)]

    @cached_property
    def marked(self) -> set[str]:
        """Names of the columns that hold a name with signs."""
        return {c.name for row in self.rows for c, cell in self.cells(row) if isinstance(cell, Marked)}

    def frame(self) -> pd.DataFrame:
        """Full precision; a number with an interval becomes four columns: mean, low, high, n; signs get one."""
        return pd.DataFrame([_flat(self, row) for row in self.rows], columns=_flat_names(self), dtype=object)

    def csv(self) -> str:
        """Comma-separated, missing cells empty."""
        return self.frame().to_csv(index=False, lineterminator="\n")

    def markdown(self) -> str:
        """A pipe table."""
        headings = [f"{c.group}: {c.heading}" if c.group else c.heading for c in self.columns]
        lines = [headings, ["---" if c.kind == "text" else "--:" for c in self.columns]]
        lines += [[column.text(cell) for column, cell in self.cells(row)] for row in self.rows]
        escaped = [line if i == 1 else [markup.markdown(text) for text in line] for i, line in enumerate(lines)]
        table = "\n".join("| " + " | ".join(line) + " |" for line in escaped) + "\n"
        return table + "".join(f"\n{markup.markdown(line)}\n" for line in self.legend)

    def latex(self) -> str:
        """A tabular for `\\input`; needs the package booktabs. The legend is a comment, for the caption."""
        spec = "".join("l" if c.kind == "text" else "r" for c in self.columns)
        lines = [
            f"% {markup.one_line(self.title)}; needs \\usepackage{{booktabs}}",
            *(f"% for the caption: {markup.latex(line)}" for line in self.legend),
            f"\\begin{{tabular}}{{{spec}}}",
            "\\toprule",
        ]
        lines += _latex_groups(self)
        lines += [" & ".join(markup.latex(c.heading) for c in self.columns) + " \\\\", "\\midrule"]
        previous = False
        for i, row in enumerate(self.rows):
            if row.oracle and not previous and i:
                lines.append("\\midrule")
            previous = row.oracle
            lines.append(" & ".join(markup.latex(column.text(cell)) for column, cell in self.cells(row)) + " \\\\")
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])

    def cells(self, row: Row) -> list[tuple[Column, Cell]]:
        """Each cell with its column."""
        return list(zip(self.columns, row.cells, strict=True))


def _flat_names(table: Table) -> list[str]:
    names: list[str] = []
    for column in table.columns:
        wide = column.kind == "number" and column.interval
        names += [f"{column.name}_{part}" for part in ("mean", "low", "high", "n")] if wide else [column.name]
        if column.name in table.marked:
            names.append(f"{column.name}_marks")
    return names


def _flat(table: Table, row: Row) -> list[Any]:
    values: list[Any] = []
    for column, cell in table.cells(row):
        if column.kind == "number" and column.interval:
            number = cell if isinstance(cell, Number) else Number(None)
            values += [number.mean, number.low, number.high, number.n]
        else:
            values.append(cell.mean if isinstance(cell, Number) else _plain(cell))
        if column.name in table.marked:
            values.append(cell.said if isinstance(cell, Marked) else None)
    return values


def _plain(cell: str | int | Marked | None) -> str | int | None:
    """A name without its signs; one that a spreadsheet would run as a formula is marked as text."""
    cell = cell.text if isinstance(cell, Marked) else cell
    return "'" + cell if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _latex_groups(table: Table) -> list[str]:
    if not any(name for name, _ in table.groups):
        return []
    parts, rules, first = [], [], 1
    for name, span in table.groups:
        parts.append(f"\\multicolumn{{{span}}}{{c}}{{{markup.latex(name)}}}")
        if name:
            rules.append(f"\\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    return [" & ".join(parts) + " \\\\", "".join(rules)]


def bare(value: float | None) -> Number | None:
    """A number without uncertainty."""
    return None if value is None else Number(value)


def slug(name: str) -> str:
    """A recognizer's name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"


def write_tables(folder: Path, tables: Sequence[Table]) -> None:
    """Write every table in all three forms; tables of an earlier report that no longer exist are removed."""
    written: set[str] = set()
    for table in tables:
        name = _free(table.name, written)
        for suffix, text in zip(SUFFIXES, (table.csv(), table.latex(), table.markdown()), strict=True):
            write_bytes(folder / f"{name}{suffix}", text.encode())
            written.add(f"{name}{suffix}")
    for path in sorted(folder.iterdir() if folder.exists() else []):
        if path.suffix in SUFFIXES and path.name not in written:
            path.unlink()


def _free(name: str, written: set[str]) -> str:
    """The name, numbered if two recognizers' names became the same file name; letter case does not count."""
    taken = {one.lower() for one in written}
    names = [name, *(f"{name}-{i}" for i in range(2, len(written) + 3))]
    return next(one for one in names if f"{one}.csv".lower() not in taken)
