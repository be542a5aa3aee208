"""The records that stages exchange. On disk they are pydantic models that refuse unknown fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idbench.images import EncodedImage

if TYPE_CHECKING:
    from idbench.synthetic.plans import CasePlan

__all__ = [
    "FAILURES",
    "Box",
    "Case",
    "Generation",
    "GenerationOutcome",
    "Outcome",
    "Person",
    "Record",
    "RunRecord",
    "problem_of",
]

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the image it belongs to; x2 > x1, y2 > y1."""


class Outcome(StrEnum):
    """Why a score exists or not."""

    SCORED = "scored"
    NO_FACE = "no_face"
    """The generated image shows no face at all."""
    MISSING_PERSON = "missing_person"
    """The generated image shows faces, but none was left for this person."""
    UNDEFINED = "undefined"
    """The suite side does not allow the score: no usable target or reference face, or target = reference."""
    GENERATION_FAILED = "generation_failed"
    """The model gave no image and said why."""
    REFUSED = "refused"
    """The model declined to make the image."""
    MISSING_IMAGE = "missing_image"
    """No image was found for the case."""
    UNREADABLE_IMAGE = "unreadable_image"
    """The generated image cannot be decoded."""


FAILURES = frozenset(
    {
        Outcome.NO_FACE,
        Outcome.MISSING_PERSON,
        Outcome.GENERATION_FAILED,
        Outcome.REFUSED,
        Outcome.MISSING_IMAGE,
        Outcome.UNREADABLE_IMAGE,
    }
)
"""Outcomes that are the model's fault: they count 0 in failure-aware similarities."""


@dataclass(frozen=True)
class Person:
    """One slot of a case. `box` is in target pixels; `identity` is a label where the suite has one."""

    references: tuple[EncodedImage, ...]
    identity: str | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Case:
    """One test item: a prompt, 1..N people with references, and usually a target photo.

    `truth` is what a rendered case was drawn from. It is for simulated models alone; no other model gets it.
    """

    id: str
    prompt: str
    people: tuple[Person, ...]
    target: EncodedImage | None = None
    subset: str = "all"
    task: str = ""
    truth: CasePlan | None = None

    def images(self) -> Iterator[EncodedImage]:
        """The case's photos: target first, then every reference in order."""
        if self.target is not None:
            yield self.target
        for person in self.people:
            yield from person.references


def problem_of(error: ValidationError, known: Iterable[str]) -> str:
    """The first thing wrong with a record, in one line; `known` are its fields."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), list(known), n=1)
        return f"no field is called '{where}'" + (
            f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}"
        )
    return f"{where or 'record'}: {first['msg'].removeprefix('Value error, ')}"


class Record(BaseModel):
    """Base of everything written to disk: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


GenerationOutcome = Literal["generated", "generation_failed", "refused", "missing_image", "unreadable_image"]
"""What became of an image that was to be made or found."""


class Generation(Record):
    """One line of `generations.jsonl`: the image a model made for a case and seed, or why there is none."""

    model: str
    case: str
    seed: int = 0
    outcome: GenerationOutcome
    path: str | None = Field(default=None, description="where the image lies")
    digest: str | None = Field(default=None, description="sha256 of the encoded image")
    seconds: float | None = Field(default=None, description="time the model took")
    peak_memory: int | None = Field(
        default=None, description="most bytes of accelerator memory; without one, of the model's process"
    )
    batch: int | None = Field(default=None, description="how many images were made together")
    offload: str | None = Field(default=None, description="what of the model left the accelerator while idle")
    boxes: tuple[Box, ...] | None = Field(
        default=None, description="where the model was told to put the people, in pixels of its image"
    )
    cost: float | None = Field(default=None, description="US dollars that a hosted model asked for this image")
    version: str | None = Field(default=None, description="the version a hosted model says it has")
    error: str | None = None
    again: Literal[True] | None = Field(default=None, description="the model did not run; the next run asks again")
    parameters: str | None = Field(default=None, description="digest of the model's parameters and weights")

    @property
    def key(self) -> tuple[str, str, int]:
        """What a generation is unique by."""
        return (self.model, self.case, self.seed)


class RunRecord(Record):
    """`run.json`: what was asked, and where every number comes from."""

    schema_version: int = 1
    state: Literal["running", "incomplete", "finished"]
    """`incomplete`: everything was scored, but some jobs were never tried, because their model did not run."""
    config: dict[str, Any]
    suite: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, Any] = Field(default_factory=dict)
    detector: dict[str, Any] = Field(default_factory=dict)
    recognizers: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, Any] = Field(default_factory=dict)
