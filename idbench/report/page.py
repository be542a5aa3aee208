"""The page: templates from `reports/` filled with tables, figures and the gallery."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from idbench import __version__
from idbench.render.table import Table, write_tables
from idbench.report import gallery
from idbench.report.data import RunData
from idbench.report.figures import distributions, plane, sweeps
from idbench.report.footnotes import legend, marked
from idbench.report.notes import notes
from idbench.report.tables import accounts, cards, protocols
from idbench.report.tables import models as frames
from idbench.shipped import shipped_folder
from idbench.store import write_bytes

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["files", "render", "templates", "write"]


def files() -> Path:
    """Templates, styles and published tables: in the installed package, else in the repository."""
    return shipped_folder("reports")


def templates() -> Environment:
    """The templates, with everything escaped and nothing undefined."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(files()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["signed"] = lambda text: str(text).replace("-", "−")
    environment.filters["breakable"] = _breakable
    environment.filters["json"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    return environment


def _breakable(name: str) -> str:
    """Escaped, with places where a long name such as a sweep's may be broken."""
    from markupsafe import Markup, escape

    return Markup(re.sub("(?<=_)|(?=@)", "<wbr>", str(escape(name))))


@dataclass(frozen=True)
class Judge:
    """What one recognizer says: the tables of one part of the page."""

    name: str
    headline: Table
    outcomes: Table
    comparisons: list[Table]
    subsets: Table | None
    further: Table | None
    tradeoff: Table | None
    sweeps: list[Table]


@dataclass(frozen=True)
class Content:
    """Every table of the report; those of the first recognizer are on the page, all are files;
    the compact ones are files alone."""

    judges: list[Judge]
    compact: list[Table]
    paper: list[Table]
    protocols: list[Table]
    models: Table | None
    independent: Table | None
    recognizers: Table | None
    quality: Table | None
    images: Table | None
    errors: Table | None
    pooled: Table | None
    published: Table | None

    @property
    def tables(self) -> list[Table]:
        """All of them."""
        single = [
            self.models, self.independent, self.recognizers, self.quality, self.images, self.errors, self.pooled,
            self.published,
        ]  # fmt: skip
        many = [
            t for j in self.judges
            for t in (j.headline, j.outcomes, *j.comparisons, j.subsets, j.further, j.tradeoff, *j.sweeps)
        ]  # fmt: skip
        return [t for t in (*many, *self.compact, *self.paper, *self.protocols, *single) if t is not None]


def content(data: RunData) -> Content:
    """Compute every table of the report."""
    protocol = data.protocols[0]
    strict, both = protocol == "strict", len(data.protocols) == 2
    names = data.recognizers
    return Content(
        judges=[_judge(data, name, protocol) for name in names],
        compact=[marked(data, frames.compact(data, name), [name]) for name in names] if strict else [],
        paper=[marked(data, frames.headline(data, name, "paper"), [name]) for name in names] if both else [],
        protocols=[marked(data, protocols.protocols(data, name), [name]) for name in names] if both else [],
        models=cards.models(data),
        independent=_marked(data, cards.independent_ranks(data) if strict else None),
        recognizers=_marked(data, frames.by_recognizer(data, protocol), names),
        quality=accounts.judges(data),
        images=_marked(data, frames.image_metrics(data)),
        errors=accounts.errors(data),
        pooled=_marked(data, protocols.pooled(data), names),
        published=protocols.published(data, files() / "paper_tables.csv"),
    )


def _marked(data: RunData, table: Table | None, judges: Sequence[str] = ()) -> Table | None:
    return marked(data, table, judges) if table else None


def _judge(data: RunData, name: str, protocol: str) -> Judge:
    strict = protocol == "strict"
    return Judge(
        name=name,
        headline=marked(data, frames.headline(data, name, protocol), [name]),
        outcomes=marked(data, accounts.outcomes(data, name, protocol), [name]),
        comparisons=[marked(data, t, [name]) for t in accounts.comparisons(data, name)] if strict else [],
        subsets=_marked(data, frames.by_subset(data, name, protocol), [name]),
        further=_marked(data, frames.further(data, name), [name]) if strict else None,
        tradeoff=_marked(data, accounts.tradeoff(data, name), [name]) if strict else None,
        sweeps=[_sweep(data, name, one) for one in sweeps.sweeps(data)] if strict else [],
    )


def _sweep(data: RunData, judge: str, sweep: sweeps.Sweep) -> Table:
    """Its rows are values of one model, so the signs stand in the title and are explained beneath."""
    table = sweeps.table(data, judge, sweep)
    return replace(table, legend=legend(data, sweep.models, [judge]))


def render(data: RunData, tables: Content) -> str:
    """The page as HTML."""
    from markupsafe import Markup

    folder = files()  # its files are ours: only they are trusted as markup
    strict = "strict" in data.protocols
    judge = data.recognizers[0]
    return (
        templates()
        .get_template("report.html")
        .render(
            data=data,
            content=tables,
            judge=judge,
            strict=strict,
            all=data.group(judge, data.protocols[0]),
            level=f"{100 * data.summary['level']:g}",
            planes=plane.planes(data, judge) if strict else [],
            curves=[_curve(data, judge, one) for one in sweeps.sweeps(data)] if strict else [],
            unknown=cards.unknown(data),
            distributions=distributions.distributions(data, judge) if strict else [],
            gallery=gallery.build(data),
            notes=notes(data),
            version=__version__,
            style=Markup((folder / "report.css").read_text(encoding="utf-8")),
            script=Markup((folder / "report.js").read_text(encoding="utf-8")),
        )
    )


def _curve(data: RunData, judge: str, sweep: sweeps.Sweep) -> tuple[str, plane.Plane | None]:
    """What is swept, in words, and its curve."""
    return sweeps.about(data, sweep), plane.sweep_plane(data, judge, sweep)


def write(data: RunData, page: Path, tables_folder: Path) -> Path:
    """Write the page and the tables; returns the page."""
    tables = content(data)
    write_tables(tables_folder, tables.tables)
    write_bytes(page, render(data, tables).encode())
    return page
