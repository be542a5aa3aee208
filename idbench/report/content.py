"""Every table of the report, each computed once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from idbench.render.table import Table
from idbench.render.templates import reports_folder
from idbench.report.data import RunData
from idbench.report.footnotes import Footnotes
from idbench.report.tables.cards import card_table, independent_ranks
from idbench.report.tables.comparisons import comparisons
from idbench.report.tables.models import (
    by_recognizer,
    by_subset,
    compact,
    further,
    headline,
    image_metrics,
    paper_headline,
)
from idbench.report.tables.outcomes import errors, outcomes
from idbench.report.tables.protocols import pooled, protocols, published
from idbench.report.tables.recognizers import recognizer_quality
from idbench.report.tables.sweeps import sweep_table
from idbench.report.tables.tradeoff import tradeoff

__all__ = ["TABLE_NAMES", "Content", "RecognizerTables", "content"]


TABLE_NAMES = re.compile(
    r"(headline|outcomes|comparisons|subsets|further|tradeoff|sweep|compact|protocols)_.+|recognizers(_paper)?(-\d+)?"
    r"|independent_ranks|models|recognizer_quality|judges|images|errors|pooled_paper|published"
)
"""Names of tables that a report writes, and of those that reports of earlier versions wrote."""


@dataclass(frozen=True)
class RecognizerTables:
    """The tables of one recognizer. Those of the first are on the page, all are files."""

    name: str
    footnotes: Footnotes
    headline: Table
    outcomes: Table
    comparisons: list[Table]
    subsets: Table | None
    further: Table | None
    tradeoff: Table | None
    sweeps: list[Table]
    compact: Table | None
    """For a column of a paper; a file alone."""
    paper: Table | None
    protocols: Table | None

    @property
    def tables(self) -> list[Table | None]:
        """All of them, in the order of the page."""
        return [
            self.headline, self.outcomes, *self.comparisons, self.subsets, self.further, self.tradeoff, *self.sweeps,
            self.compact, self.paper, self.protocols,
        ]  # fmt: skip


@dataclass(frozen=True)
class Content:
    """Every table of the report."""

    recognizers: list[RecognizerTables]
    models: Table | None
    independent: Table | None
    by_recognizer: Table | None
    quality: Table | None
    images: Table | None
    errors: Table | None
    pooled: Table | None
    published: Table | None

    @property
    def tables(self) -> list[Table]:
        """All of them."""
        every = [table for one in self.recognizers for table in one.tables]
        every += [
            self.models, self.independent, self.by_recognizer, self.quality, self.images, self.errors, self.pooled,
            self.published,
        ]  # fmt: skip
        return [table for table in every if table is not None]


def content(data: RunData) -> Content:
    """Compute every table of the report."""
    protocol = data.protocols[0]
    strict = protocol == "strict"
    own, every = Footnotes.of(data), Footnotes.of(data, data.recognizers)
    return Content(
        recognizers=[_of_recognizer(data, name) for name in data.recognizers],
        models=card_table(data),
        independent=_noted(own, independent_ranks(data) if strict else None),
        by_recognizer=_noted(every, by_recognizer(data, protocol)),
        quality=recognizer_quality(data),
        images=_noted(own, image_metrics(data)),
        errors=errors(data),
        pooled=_noted(every, pooled(data)),
        published=published(data, reports_folder() / "paper_tables.csv"),
    )


def _of_recognizer(data: RunData, name: str) -> RecognizerTables:
    protocol, notes = data.protocols[0], Footnotes.of(data, [name])
    strict, both = protocol == "strict", len(data.protocols) == 2
    return RecognizerTables(
        name=name,
        footnotes=notes,
        headline=notes.added_to(headline(data, name) if strict else paper_headline(data, name)),
        outcomes=notes.added_to(outcomes(data, name, protocol)),
        comparisons=[notes.added_to(table) for table in comparisons(data, name)] if strict else [],
        subsets=_noted(notes, by_subset(data, name, protocol)),
        further=_noted(notes, further(data, name) if strict else None),
        tradeoff=_noted(notes, tradeoff(data, name) if strict else None),
        sweeps=[sweep_table(data, name, sweep, notes) for sweep in data.sweeps] if strict else [],
        compact=_noted(notes, compact(data, name) if strict else None),
        paper=_noted(notes, paper_headline(data, name) if both else None),
        protocols=_noted(notes, protocols(data, name) if both else None),
    )


def _noted(footnotes: Footnotes, table: Table | None) -> Table | None:
    return footnotes.added_to(table) if table else None
