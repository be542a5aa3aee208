"""One record per generated image, and what can become of images and scores."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from idbench.schema import Box, Record, boxes_of, one_line

__all__ = ["FAILURES", "ORACLES", "Generation", "GenerationOutcome", "Outcome"]

ORACLES = {
    "oracle-target": "the target given back",
    "oracle-reference": "the reference given back",
    "oracle-paste": "the reference face pasted into the target",
    "oracle-stranger": "another person's photo",
}
"""Models with a known answer that every run contains, in the order of the tables; `generate.oracles` makes them."""


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

GenerationOutcome = Literal["generated", "generation_failed", "refused", "missing_image", "unreadable_image"]
"""What became of an image that was to be made or found."""


LARGEST = 1 << 62
"""No number that a model or its process tells is as large."""

Amount = Annotated[float, Field(ge=0, lt=LARGEST, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=LARGEST)]
Words = Annotated[str, BeforeValidator(lambda text: one_line(text, 100) if isinstance(text, str) else text)]
Boxes = Annotated[tuple[Box, ...], BeforeValidator(boxes_of)]


class Generation(Record):
    """One line of `generations.jsonl`: the image a model made for a case and seed, or why there is none.

    The fields that `models.base.Generated` has too are the facts of an image: they travel from the model to here by
    their name, and are left out where a value is not of the type and range declared here.
    """

    model: str
    case: str
    seed: int = 0
    outcome: GenerationOutcome
    path: str | None = Field(default=None, description="where the image lies")
    digest: str | None = Field(default=None, description="sha256 of the encoded image")
    seconds: Amount | None = Field(default=None, description="time the model took")
    peak_memory: Count | None = Field(
        default=None, description="most bytes of accelerator memory; without one, of the model's process"
    )
    batch: Count | None = Field(default=None, description="how many images were made together")
    offload: Words | None = Field(default=None, description="what of the model left the accelerator while idle")
    boxes: Boxes | None = Field(
        default=None, description="where the model was told to put the people, in pixels of its image"
    )
    cost: Amount | None = Field(default=None, description="US dollars that a hosted model asked for this image")
    version: Words | None = Field(default=None, description="the version a hosted model says it has")
    error: str | None = None
    retryable: Literal[True] | None = Field(
        default=None,
        validation_alias=AliasChoices("retryable", "again"),
        description="the model did not try; the next run asks again (`again` in files of version 0.1)",
    )
    parameters: str | None = Field(default=None, description="digest of the model's parameters and weights")

    @property
    def key(self) -> tuple[str, str, int]:
        """What a generation is unique by."""
        return (self.model, self.case, self.seed)
