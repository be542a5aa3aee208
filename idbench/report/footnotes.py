"""Signs beside models' names: who is judged by the family it learnt from, and who was given more than others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from idbench.render.table import Cell, Marked, Table
from idbench.report.data import RunData
from idbench.report.tables.cards import encoders, extras, title

__all__ = ["legend", "marked", "name"]

KIN, MORE = "†", "‡"
NAMES = ("model", "a", "b")
"""Columns that hold models' names."""


def marked(data: RunData, table: Table, judges: Sequence[str] = ()) -> Table:
    """The table with signs beside the models that need them, and a legend. judges : whose numbers it holds."""
    at = {i for i, column in enumerate(table.columns) if column.name in NAMES}
    rows = [
        replace(row, cells=[_cell(data, cell, judges) if i in at else cell for i, cell in enumerate(row.cells)])
        for row in table.rows
    ]
    shown = {str(row.cells[i]) for row in table.rows for i in at}
    lines = legend(data, [m for m in data.judged if m in shown], judges)
    return replace(table, rows=rows, legend=[*table.legend, *lines]) if lines else table


def name(data: RunData, model: str, judges: Sequence[str]) -> str:
    """The model's name with its signs, if any."""
    return str(_cell(data, model, judges))


def legend(data: RunData, models: Sequence[str], judges: Sequence[str]) -> list[str]:
    """One sentence per sign and family, naming encoders and uses, or what was given."""
    lines = []
    for family, of in _families(data, judges).items():
        owner = "this judge's family" if len(judges) == 1 else f"the family of {', '.join(of)}"
        if said := _said({(title(data, m), encoders(data, m, family)) for m in models}, f"{family}"):
            lines.append(f"{KIN} conditioned on or trained against a face encoder of {owner} ({said})")
    if said := _said({(title(data, m), extras(data, m)) for m in models}):
        lines.append(f"{MORE} given more than prompt and references: {said}")
    return lines


def _families(data: RunData, judges: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for judge in judges:
        found.setdefault(data.family(judge), []).append(judge)
    return found


def _said(entries: set[tuple[str, str]], of: str = "") -> str:
    """What is said once where it holds for all, else model by model."""
    known = sorted((who, what) for who, what in entries if what)
    if not known:
        return ""
    if len({what for _, what in known}) == 1:
        return ": ".join(part for part in (of, known[0][1]) if part)
    return "; ".join([of] * bool(of) + [f"{who}: {what}" for who, what in known])


def _cell(data: RunData, cell: Cell, judges: Sequence[str]) -> Cell:
    if not isinstance(cell, str) or data.is_oracle(cell):
        return cell
    kin = {f: found for f in _families(data, judges) if (found := encoders(data, cell, f))}
    more = extras(data, cell)
    if not kin and not more:
        return cell
    said = [f"{KIN} face encoder of a judge's family ({f}: {found})" for f, found in kin.items()]
    said += [f"{MORE} also given {more}"] * bool(more)
    return Marked(cell, KIN * bool(kin) + MORE * bool(more), "; ".join(said))
