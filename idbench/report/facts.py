"""What the records say of a model, in the words of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from idbench.records.cards import FaceEncoder
from idbench.records.run import ModelRecord

__all__ = ["ModelFacts", "facts_of"]


@dataclass(frozen=True)
class ModelFacts:
    """A model's record, and what follows from its card.

    title : what the card calls the model; values of one sweep share a title.
    encoders : family -> the face encoders of it that the model was conditioned on or trained against.
    extras : what the model was given besides prompt and references; "" for nothing.
    """

    record: ModelRecord
    title: str
    encoders: Mapping[str, str]
    extras: str

    @property
    def undescribed(self) -> bool:
        """Whether nobody described how the model was made: no card, and not simulated."""
        return self.record.card is None and self.record.kind != "simulated"


def facts_of(models: Iterable[str], records: Sequence[Mapping[str, ModelRecord]]) -> dict[str, ModelFacts]:
    """Every model's facts, from the first of the runs' records that knows it."""
    known = {name: record for of_run in reversed(records) for name, record in of_run.items()}
    return {model: _facts(model, known.get(model, ModelRecord())) for model in models}


def _facts(model: str, record: ModelRecord) -> ModelFacts:
    card, sweep = record.card, record.sweep
    title = (card.title if card else "") or (sweep.of if sweep else model)
    if card is None:
        return ModelFacts(record, title, {}, "")
    return ModelFacts(record, title, _by_family(card.face_encoders), ", ".join(card.extra_conditioning))


def _by_family(encoders: Iterable[FaceEncoder]) -> dict[str, str]:
    """Family -> its encoders with their uses: "antelopev2, conditioning and training"."""
    uses: dict[str, dict[str, list[str]]] = {}
    for one in encoders:
        if not one.family:
            continue
        known = uses.setdefault(one.family, {}).setdefault(one.name, [])
        if one.use not in known:
            known.append(one.use)
    return {
        family: ", ".join(f"{name}, {' and '.join(found)}" for name, found in names.items())
        for family, names in uses.items()
    }
