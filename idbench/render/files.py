"""Tables as files: CSV in full precision, LaTeX and Markdown as readers see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from idbench.render.latex import latex
from idbench.render.markdown import markdown
from idbench.render.table import Cell, Column, Marked, Table
from idbench.store import write_bytes

__all__ = ["csv", "frame", "write_tables"]


def csv(table: Table) -> str:
    """Comma-separated, in full precision; missing cells are empty."""
    return frame(table).to_csv(index=False, lineterminator="\n")


def frame(table: Table) -> pd.DataFrame:
    """Full precision; a number with an interval becomes four columns: mean, low, high, n; signs get one."""
    columns: dict[str, list[Cell | float]] = {}
    for i, column in enumerate(table.columns):
        columns |= _values(column, [row.cells[i] for row in table.rows])
    return pd.DataFrame(columns, dtype=object)


def _values(column: Column, cells: Sequence[Cell]) -> dict[str, list[Cell | float]]:
    """The column's values by name; four columns where it holds intervals, one more where it holds signs."""
    numbers = [None if cell is None or isinstance(cell, str | int | Marked) else cell for cell in cells]
    if column.kind == "number" and column.interval:
        return {
            f"{column.name}_{part}": [getattr(number, part, None) for number in numbers]
            for part in ("mean", "low", "high", "n")
        }
    values = [_plain(cell) if number is None else number.mean for cell, number in zip(cells, numbers, strict=True)]
    found: dict[str, list[Cell | float]] = {column.name: values}
    if any(isinstance(cell, Marked) for cell in cells):
        found[f"{column.name}_marks"] = [cell.meaning if isinstance(cell, Marked) else None for cell in cells]
    return found


def _plain(cell: Cell) -> Cell:
    """A name without its signs; one that a spreadsheet would run as a formula is marked as text."""
    cell = cell.text if isinstance(cell, Marked) else cell
    return "'" + cell if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def write_tables(folder: Path, tables: Sequence[Table], own: re.Pattern[str]) -> None:
    """Write every table in all three forms; tables of an earlier report that no longer exist are removed.

    own : names of tables of such reports. What has another name, or not all three forms, is somebody's own and stays.
    """
    forms = {".csv": csv, ".tex": latex, ".md": markdown}
    written: set[str] = set()
    for table in tables:
        name = _free(table.name, written)
        written.add(name)
        for suffix, form in forms.items():
            write_bytes(folder / f"{name}{suffix}", form(table).encode())
    found = {path.name for path in folder.iterdir() if not path.is_dir()} if folder.exists() else set()
    for name in {Path(one).stem for one in found} - written:
        if own.fullmatch(name) and found >= (of_table := {f"{name}{suffix}" for suffix in forms}):
            for file in of_table:
                (folder / file).unlink()


def _free(name: str, written: set[str]) -> str:
    """The name, numbered if two recognizers' names became the same file name; letter case does not count."""
    taken = {one.lower() for one in written}
    names = [name, *(f"{name}-{i}" for i in range(2, len(written) + 3))]
    return next(one for one in names if one.lower() not in taken)
