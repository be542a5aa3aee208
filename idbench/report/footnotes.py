"""Signs beside models' names: whose face encoder is of a recognizer's family, and who was given more than others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from idbench.render.table import Marked, Table
from idbench.report.data import RunData
from idbench.report.facts import ModelFacts

__all__ = ["Footnotes"]

SAME_FAMILY, GIVEN_MORE = "†", "‡"
NAME_COLUMNS = ("model", "a", "b")
"""Columns that hold models' names."""


@dataclass(frozen=True)
class Footnotes:
    """The signs of tables that hold numbers of some recognizers.

    families : the recognizers' families, and the recognizers of each.
    names : the models that need signs, in the order of the tables, with their signs.
    """

    families: Mapping[str, Sequence[str]]
    facts: Mapping[str, ModelFacts]
    names: Mapping[str, Marked]

    @classmethod
    def of(cls, data: RunData, recognizers: Sequence[str] = ()) -> Footnotes:
        """For tables with numbers of these recognizers."""
        families: dict[str, list[str]] = {}
        for recognizer in recognizers:
            families.setdefault(data.families[recognizer], []).append(recognizer)
        names = {m: found for m in data.evaluated if (found := _marked(m, data.facts[m], families)) is not None}
        return cls(families, data.facts, names)

    def added_to(self, table: Table) -> Table:
        """The table with signs beside the models that need them, and a legend."""
        at = [i for i, column in enumerate(table.columns) if column.name in NAME_COLUMNS]
        shown = {str(row.cells[i]) for row in table.rows for i in at} & self.names.keys()
        if not shown:
            return table
        rows = []
        for row in table.rows:
            cells = list(row.cells)
            for i in at:
                cells[i] = self.names.get(str(cells[i]), cells[i])
            rows.append(replace(row, cells=cells))
        return replace(table, rows=rows, legend=[*table.legend, *self.legend(shown)])

    def name(self, model: str) -> str:
        """The model's name with its signs, if any."""
        return str(self.names.get(model, model))

    def legend(self, models: Collection[str]) -> list[str]:
        """One sentence per sign and family, naming encoders and uses, or what was given."""
        facts = [self.facts[model] for model in self.names if model in models]
        single = sum(map(len, self.families.values())) == 1
        lines = []
        for family, recognizers in self.families.items():
            owner = "this recognizer's family" if single else f"the family of {', '.join(recognizers)}"
            if found := _summary(((one.title, one.encoders.get(family, "")) for one in facts), family):
                lines.append(f"{SAME_FAMILY} conditioned on or trained against a face encoder of {owner} ({found})")
        if found := _summary((one.title, one.extras) for one in facts):
            lines.append(f"{GIVEN_MORE} given more than prompt and references: {found}")
        return lines


def _marked(model: str, facts: ModelFacts, families: Collection[str]) -> Marked | None:
    """The name with its signs; None where it needs none."""
    related = {family: facts.encoders[family] for family in families if family in facts.encoders}
    if not related and not facts.extras:
        return None
    meanings = [
        f"{SAME_FAMILY} face encoder of a recognizer's family ({family}: {found})" for family, found in related.items()
    ]
    if facts.extras:
        meanings.append(f"{GIVEN_MORE} also given {facts.extras}")
    signs = SAME_FAMILY * bool(related) + GIVEN_MORE * bool(facts.extras)
    return Marked(model, signs, "; ".join(meanings))


def _summary(entries: Iterable[tuple[str, str]], family: str = "") -> str:
    """What holds for all titles once, else title by title; "" where nothing is known of any."""
    known = sorted({(title, what) for title, what in entries if what})
    if len({what for _, what in known}) == 1:
        return ": ".join(part for part in (family, known[0][1]) if part)
    parts = [f"{title}: {what}" for title, what in known]
    return "; ".join([family, *parts] if family and parts else parts)
