"""What the models' cards say: what each was given, and ranks by recognizers that none of them learnt from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median

from pydantic import JsonValue

from idbench.records.cards import CardFacts
from idbench.render.table import Cell, Column, Row, Table
from idbench.report.data import RunData
from idbench.report.facts import ModelFacts
from idbench.report.sweeps import Sweep, range_text
from idbench.report.tables.columns import MODEL, bare
from idbench.report.tables.models import ordered, rank_labels

__all__ = ["card_table", "independent_ranks"]


def independent_ranks(data: RunData) -> Table | None:
    """Every model's rank by every recognizer, those by one of its face encoder's family in brackets.

    Recognizers that are of no model's family come first, and the first of them orders the rows. None where no
    model has an encoder of a recognizer's family, or where no recognizer is of another family.
    """
    related = {r: {m for m in data.evaluated if data.families[r] in data.facts[m].encoders} for r in data.recognizers}
    every = set[str]().union(*related.values())
    if not any(every - models for models in related.values()):
        return None
    recognizers = sorted(data.recognizers, key=lambda r: bool(related[r]))
    groups = {r: data.group(r) for r in recognizers}
    ranks = {r: rank_labels(groups[r].ranks.get(groups[r].ranked_by, {})) for r in recognizers}
    columns = [MODEL]
    for r in recognizers:
        heading = f"{data.families[r]}: family of a model's encoder" if related[r] else "independent of every model"
        columns.append(Column(f"rank_{r}", r, group=heading))
    rows = []
    for model in ordered(data, groups[recognizers[0]])[: len(data.evaluated)]:
        labels = [(ranks[r].get(model), model in related[r]) for r in recognizers]
        rows.append(Row([model, *(f"({rank})" if rank and same else rank for rank, same in labels)]))
    legend = "(…) by a recognizer of the family of a face encoder that the model was conditioned on or trained against"
    return Table("independent_ranks", "Ranking by independent recognizers", columns, rows, [legend])


COLUMNS = [
    MODEL,
    Column("title", "title"),
    Column("given", "given besides prompt and references"),
    Column("face_encoders", "face encoders"),
    Column("max_people", "most people"),
    Column("parameters", "parameters"),
    Column("licence", "licence of the weights"),
    Column("source", "source"),
    Column("seconds", "seconds per image", "number", meaning="median over generated images", digits=2, interval=False),
    Column("peak_memory", "peak memory, GB", "number", meaning="maximum over generated images, in 10⁹ bytes", digits=1,
           interval=False),
]  # fmt: skip


def card_table(data: RunData) -> Table | None:
    """What is known of the models, those of one sweep in one row; None where no model has a card."""
    swept = {m: sweep for sweep in data.sweeps for m in sweep.models}
    entries: dict[str, list[str]] = {}
    for model in data.evaluated:
        if data.facts[model].record.card:
            entries.setdefault(swept[model].name if model in swept else model, []).append(model)
    if not entries:
        return None
    parameters = {name: _parameters(data, members, swept.get(members[0])) for name, members in entries.items()}
    shared = _shared(list(parameters.values()))
    rows = []
    for name, members in entries.items():
        own = {key: value for key, value in parameters[name].items() if key not in shared}
        rows.append([name, *_described(data.facts[members[0]], _listed(own)), *_measured(data, members)])
    known = [i for i in range(len(COLUMNS)) if any(row[i] is not None for row in rows)]
    legend = [f"the same for all of them: {_listed(shared)}"] if shared else []
    kept = [Row([row[i] for i in known]) for row in rows]
    return Table("models", "Models", [COLUMNS[i] for i in known], kept, legend)


def _described(facts: ModelFacts, parameters: str) -> list[Cell]:
    """The cells from `title` to `source`."""
    card = facts.record.card
    assert card is not None  # only models with a card are in the table
    encoders = "; ".join(f"{family}: {found}" for family, found in facts.encoders.items())
    people = "no limit known" if card.max_people is None else str(card.max_people)
    given, licence = facts.extras or "nothing", card.licence.weights or None
    return [facts.title, given, encoders or "none", people, parameters or None, licence, _cited(card)]


def _cited(card: CardFacts) -> str | None:
    """Paper, and repository at its revision; a commit in twelve digits."""
    place = re.sub(r"^https?://", "", card.source.repository)
    revision = card.source.revision
    short = revision[:12] if re.fullmatch(r"[0-9a-f]{40,64}", revision) else revision
    code = "@".join(part for part in (place, short) if part)
    return "; ".join(part for part in (card.source.paper, code) if part) or None


def _parameters(data: RunData, members: Sequence[str], sweep: Sweep | None) -> dict[str, str]:
    """Each parameter's value, or what it goes through in a sweep."""
    found: dict[str, list[JsonValue]] = {}
    for model in [m for m in sweep.models if m in members] if sweep else members:
        for key, value in data.facts[model].record.parameters.items():
            found.setdefault(key, []).append(value)
    return {key: range_text(values) for key, values in found.items()}


def _shared(parameters: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What several models have in common, so that it stands once in the legend."""
    first, *others = parameters
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)} if others else {}


def _listed(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in parameters.items())


def _measured(data: RunData, members: list[str]) -> list[Cell]:
    """Median seconds and largest peak memory (10⁹ bytes) of the generated images."""
    images = data.images[data.images["model"].isin(members) & (data.images["outcome"] == "generated")]
    seconds, memory = (images[name].dropna().tolist() if name in images else [] for name in ("seconds", "peak_memory"))
    return bare(median(seconds) if seconds else None, max(memory) / 1e9 if memory else None)
