"""What the models' cards say: which judges are of their face encoders' family, and what they were given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from idbench.render.table import Cell, Column, Number, Row, Table
from idbench.report.data import RunData
from idbench.report.figures.sweeps import Sweep, span, sweeps
from idbench.report.tables.models import MODEL, ordered, rank_labels

__all__ = ["card", "encoders", "extras", "independent_ranks", "models", "title", "unknown"]


def card(data: RunData, model: str) -> Mapping[str, Any]:
    """The model's card; empty where it has none."""
    return data.about(model).get("card") or {}


def title(data: RunData, model: str) -> str:
    """What the card calls the model; values of one sweep share a title."""
    about = data.about(model)
    return str(card(data, model).get("title") or (about.get("sweep") or {}).get("of") or model)


def encoders(data: RunData, model: str, family: str) -> str:
    """The face encoders of a family that the model was conditioned on or trained against, or ""."""
    uses: dict[str, list[str]] = {}
    for one in card(data, model).get("face_encoders") or ():
        if family and one.get("family") == family:
            uses.setdefault(str(one.get("name")), []).append(str(one.get("use")))
    return ", ".join(f"{name}, {' and '.join(dict.fromkeys(found))}" for name, found in uses.items())


def extras(data: RunData, model: str) -> str:
    """What the model was given besides prompt and references, or ""."""
    return ", ".join(map(str, card(data, model).get("extra_conditioning") or ()))


def independent_ranks(data: RunData) -> Table | None:
    """Every model's rank by every judge, those by a judge of its face encoder's family in brackets.

    Judges that are of no model's family come first, and the first of them orders the rows. None where no
    model has an encoder of a judge's family, or where no judge is of another family.
    """
    kin = {j: {m for m in data.judged if encoders(data, m, data.family(j))} for j in data.recognizers}
    related = set().union(*kin.values())
    if not any(related - kin[judge] for judge in kin):
        return None
    judges = sorted(data.recognizers, key=lambda judge: bool(kin[judge]))
    columns = [MODEL, *(Column(f"rank_{j}", j, "text", _group(data.family(j), kin[j])) for j in judges)]
    ranks = {j: rank_labels(data.group(j, "strict")["ranks"].get("sim_gt_failure_aware", {})) for j in judges}
    order = ordered(data, data.group(judges[0], "strict"), "sim_gt_failure_aware")
    rows = [Row([m, *(_rank(ranks[j].get(m), m in kin[j]) for j in judges)]) for m in order if m in data.judged]
    legend = ["(…) by a judge of the family of a face encoder that the model was conditioned on or trained against"]
    return Table("independent_ranks", "Ranking by independent judges", columns, rows, legend)


def _group(family: str, kin: set[str]) -> str:
    return f"{family}: family of a model's encoder" if kin else "independent of every model"


def _rank(rank: str | None, kin: bool) -> str | None:
    return f"({rank})" if rank and kin else rank


def unknown(data: RunData) -> list[str]:
    """Models whose making nobody described: no card, and not simulated."""
    return [m for m in data.judged if not card(data, m) and data.about(m).get("kind") != "simulated"]


def models(data: RunData) -> Table | None:
    """What is known of the models, those of one sweep in one row; None where no model has a card."""
    swept = {m: sweep for sweep in sweeps(data) for m in sweep.models}
    entries: dict[str, list[str]] = {}
    for model in data.judged:
        if card(data, model):
            entries.setdefault(swept[model].name if model in swept else model, []).append(model)
    if not entries:
        return None
    parameters = {name: _parameters(data, members, swept.get(members[0])) for name, members in entries.items()}
    shared = _shared(list(parameters.values()))
    memory = [_memory(data, members) for members in entries.values()]
    seconds = [_seconds(data, members) for members in entries.values()]
    columns = [
        MODEL, Column("title", "title"), Column("given", "given besides prompt and references"),
        Column("face_encoders", "face encoders"), Column("max_people", "most people"),
        Column("parameters", "parameters"), Column("licence", "licence of the weights"), Column("source", "source"),
        Column("seconds", "seconds per image", "number", meaning="median over generated images", digits=2,
               interval=False),
        Column("peak_memory", "peak memory, GB", "number", meaning="maximum over generated images, in 10⁹ bytes",
               digits=1, interval=False),
    ]  # fmt: skip
    rows = []
    for (name, members), time, space in zip(entries.items(), seconds, memory, strict=True):
        own = ", ".join(f"{key} {value}" for key, value in parameters[name].items() if key not in shared)
        rows.append(Row([name, *_facts(data, members[0]), own or None, *_terms(data, members[0]), time, space]))
    common = ", ".join(f"{key} {value}" for key, value in shared.items())
    return Table("models", "Models", *_known(columns, rows), [f"the same for all of them: {common}"] if common else [])


def _known(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """Without the columns of which nothing is known."""
    kept = [i for i in range(len(columns)) if any(row.cells[i] is not None for row in rows)]
    return [columns[i] for i in kept], [Row([row.cells[i] for i in kept], row.oracle) for row in rows]


def _facts(data: RunData, model: str) -> list[Cell]:
    about = card(data, model)
    families = dict.fromkeys(str(one.get("family")) for one in about.get("face_encoders") or ())
    found = [f"{family}: {encoders(data, model, family)}" for family in families]
    most = about.get("max_people")
    people = "no limit known" if most is None else str(most)
    return [title(data, model), extras(data, model) or "nothing", "; ".join(found) or "none", people]


def _terms(data: RunData, model: str) -> list[Cell]:
    about = card(data, model)
    source = about.get("source") or {}
    place = re.sub(r"^https?://", "", str(source.get("repository") or ""))
    revision = str(source.get("revision") or "")
    short = revision[:12] if re.fullmatch(r"[0-9a-f]{40,64}", revision) else revision
    where = "@".join(part for part in (place, short) if part)
    cited = "; ".join(part for part in (str(source.get("paper") or ""), where) if part)
    return [str((about.get("licence") or {}).get("weights") or "") or None, cited or None]


def _parameters(data: RunData, members: Sequence[str], sweep: Sweep | None) -> dict[str, str]:
    """Each parameter's value, or what it goes through in a sweep."""
    found: dict[str, list[Any]] = {}
    order = [m for m in sweep.models if m in members] if sweep else members
    for model in order:
        for key, value in (data.about(model).get("parameters") or {}).items():
            found.setdefault(str(key), []).append(value)
    return {key: span(values) for key, values in found.items()}


def _shared(parameters: Sequence[dict[str, str]]) -> dict[str, str]:
    """What several models have in common, so that it is said once."""
    first, *others = parameters
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)} if others else {}


def _measured(data: RunData, members: Sequence[str], column: str) -> list[float]:
    images = data.images
    if column not in images.columns:
        return []
    chosen = images[images["model"].isin(list(members)) & (images["outcome"] == "generated")]
    return [float(value) for value in chosen[column].dropna()]


def _seconds(data: RunData, members: Sequence[str]) -> Number | None:
    found = _measured(data, members, "seconds")
    return Number(median(found)) if found else None


def _memory(data: RunData, members: Sequence[str]) -> Number | None:
    found = _measured(data, members, "peak_memory")
    return Number(max(found) / 1e9) if found else None
