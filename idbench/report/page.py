"""The page: templates from `reports/` filled with tables, figures and the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from idbench import __version__
from idbench.render.files import write_tables
from idbench.render.table import Table
from idbench.render.templates import templates, trusted
from idbench.report import gallery
from idbench.report.content import TABLE_NAMES, Content, content
from idbench.report.data import RunData
from idbench.report.figures.distributions import distributions
from idbench.report.figures.plane import Plane, Planes
from idbench.report.notes import notes
from idbench.report.sweeps import Sweep, as_text
from idbench.run_files import check_leads_inside
from idbench.store import write_bytes

__all__ = ["SweepPart", "render", "write"]


@dataclass(frozen=True)
class SweepPart:
    """One sweep on the page: what is swept in words, its curve, and its table by every recognizer."""

    description: str
    curve: Plane | None
    table: Table
    others: dict[str, Table]


def write(data: RunData, page: Path, tables_folder: Path) -> Path:
    """Write the page and the tables; returns the page.

    Raises `RunError` if the folder of the tables is a link that leads out of the page's folder.
    """
    check_leads_inside(page.parent, tables_folder.name)
    tables = content(data)
    write_tables(tables_folder, tables.tables, TABLE_NAMES)
    write_bytes(page, render(data, tables).encode())
    return page


def render(data: RunData, tables: Content) -> str:
    """The page as HTML."""
    first = tables.recognizers[0]
    strict = data.strict(first.name) if "strict" in data.protocols else None
    planes = Planes(data, first.name, first.footnotes) if strict else None
    return (
        templates()
        .get_template("report.html")
        .render(
            data=data,
            content=tables,
            first=first,
            strict=strict,
            level=f"{100 * data.summary.level:g}",
            planes=planes.all() if planes else [],
            sweeps=[_sweep(data, tables, planes, i) for i in range(len(data.sweeps))] if planes else [],
            undescribed=[m for m in data.evaluated if data.facts[m].undescribed],
            distributions=distributions(data, first.name) if strict else [],
            gallery=gallery.build(data),
            notes=notes(data),
            version=__version__,
            style=trusted("report.css"),
            script=trusted("report.js"),
        )
    )


def _sweep(data: RunData, tables: Content, planes: Planes, i: int) -> SweepPart:
    sweep, (first, *others) = data.sweeps[i], tables.recognizers
    more = {one.name: one.sweeps[i] for one in others}
    return SweepPart(_described(data, sweep), planes.curve(sweep), first.sweeps[i], more)


def _described(data: RunData, sweep: Sweep) -> str:
    """What is swept, and what else changes with it."""
    ends = f", from {as_text(sweep.values[0])} to {as_text(sweep.values[-1])}" if sweep.numeric else ""
    settings = [data.facts[m].record.parameters for m in sweep.models]
    keys = dict.fromkeys(key for one in settings for key in one if key != sweep.parameter)
    along = [key for key in keys if len({repr(one.get(key)) for one in settings}) > 1]
    rest = f"{', '.join(along)} changes with it" if along else "everything else is the same"
    return f"One model, {sweep.of}, at {len(sweep.values)} values of {sweep.parameter}{ends}; {rest}."
