"""The page: templates from `reports/` filled with tables, figures and the gallery."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idbench import __version__
from idbench.report import accounts, distributions, frames, gallery, plane, protocols
from idbench.report.data import RunData
from idbench.report.notes import notes
from idbench.report.tables import Table, write_tables
from idbench.store import write_bytes

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["files", "render", "templates", "write"]


def files() -> Path:
    """Templates, styles and published tables: in the installed package, else in the repository."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_reports"
    return shipped if shipped.is_dir() else package.parent / "reports"


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
    environment.filters["json"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    return environment


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


@dataclass(frozen=True)
class Content:
    """Every table of the report; those of the first recognizer are on the page, all are files;
    the compact ones are files alone."""

    judges: list[Judge]
    compact: list[Table]
    paper: list[Table]
    protocols: list[Table]
    recognizers: Table | None
    quality: Table | None
    images: Table | None
    errors: Table | None
    pooled: Table | None
    published: Table | None

    @property
    def tables(self) -> list[Table]:
        """All of them."""
        single = [self.recognizers, self.quality, self.images, self.errors, self.pooled, self.published]
        many = [
            t for j in self.judges for t in (j.headline, j.outcomes, *j.comparisons, j.subsets, j.further, j.tradeoff)
        ]
        return [t for t in (*many, *self.compact, *self.paper, *self.protocols, *single) if t is not None]


def content(data: RunData) -> Content:
    """Compute every table of the report."""
    protocol = data.protocols[0]
    both = len(data.protocols) == 2
    return Content(
        judges=[_judge(data, name, protocol) for name in data.recognizers],
        compact=[frames.compact(data, name) for name in data.recognizers] if protocol == "strict" else [],
        paper=[frames.headline(data, name, "paper") for name in data.recognizers] if both else [],
        protocols=[protocols.protocols(data, name) for name in data.recognizers] if both else [],
        recognizers=frames.by_recognizer(data, protocol),
        quality=accounts.judges(data),
        images=frames.image_metrics(data),
        errors=accounts.errors(data),
        pooled=protocols.pooled(data),
        published=protocols.published(data, files() / "paper_tables.csv"),
    )


def _judge(data: RunData, name: str, protocol: str) -> Judge:
    strict = protocol == "strict"
    return Judge(
        name=name,
        headline=frames.headline(data, name, protocol),
        outcomes=accounts.outcomes(data, name, protocol),
        comparisons=accounts.comparisons(data, name) if strict else [],
        subsets=frames.by_subset(data, name, protocol),
        further=frames.further(data, name) if strict else None,
        tradeoff=accounts.tradeoff(data, name) if strict else None,
    )


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
            distributions=distributions.distributions(data, judge) if strict else [],
            gallery=gallery.build(data),
            notes=notes(data),
            version=__version__,
            style=Markup((folder / "report.css").read_text(encoding="utf-8")),
            script=Markup((folder / "report.js").read_text(encoding="utf-8")),
        )
    )


def write(data: RunData, page: Path, tables_folder: Path) -> Path:
    """Write the page and the tables; returns the page."""
    tables = content(data)
    write_tables(tables_folder, tables.tables)
    write_bytes(page, render(data, tables).encode())
    return page
