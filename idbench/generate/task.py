"""One image to be made, and the record of what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from idbench.images import digest_of, encode_png
from idbench.models.base import FACTS, Generated, Job
from idbench.records import Generation, GenerationOutcome
from idbench.store import write_bytes

__all__ = ["Task", "with_facts"]

NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, eq=False)
class Task:
    """A job, the file its image goes to, and whose image it is: `parameters` is the digest of the model's."""

    job: Job
    output: Path
    model: str = ""
    parameters: str | None = None

    def settle(self, made: Generated) -> Generation:
        """What a model's answer means, its image put in its place."""
        facts = {name: getattr(made, name) for name in FACTS}
        if made.pixels is None:
            return self.failed(made.error, facts, made.outcome)
        return self.generated(encode_png(made.pixels), facts)

    def generated(self, image: bytes, told: Mapping[str, object] = NOTHING) -> Generation:
        """Put an encoded image in its place. `told`: facts by name, taken where they are valid."""
        write_bytes(self.output, image)
        made = self._record("generated").model_copy(update={"path": str(self.output), "digest": digest_of(image)})
        return self._with_facts(made, {name: value for name, value in told.items() if name != "retryable"})

    def failed(
        self,
        error: str | None,
        told: Mapping[str, object] = NOTHING,
        outcome: GenerationOutcome = "generation_failed",
    ) -> Generation:
        """There is no image, because of `error`."""
        failed = self._record(outcome).model_copy(update={"error": error or "no reason given"})
        return self._with_facts(failed, told)

    def not_tried(self, reason: str | None) -> Generation:
        """The model did not run at all; the next run asks again."""
        return self.failed(reason, {"retryable": True})

    def _record(self, outcome: GenerationOutcome) -> Generation:
        job = self.job
        return Generation(model=self.model, case=job.case, seed=job.seed, outcome=outcome, parameters=self.parameters)

    def _with_facts(self, generation: Generation, told: Mapping[str, object]) -> Generation:
        known = with_facts(generation, told)
        fitting = known.boxes is None or len(known.boxes) == len(self.job.people)
        return known if fitting else known.model_copy(update={"boxes": None})


def with_facts(generation: Generation, told: Mapping[str, object]) -> Generation:
    """The record with those facts that have the type and range `Generation` declares; others are left out, since a
    model or its process may tell anything."""
    facts = {name: told[name] for name in FACTS if told.get(name) is not None}
    while True:
        try:
            return Generation.model_validate(generation.model_dump() | facts, strict=True)
        except ValidationError as error:
            for problem in error.errors():
                del facts[str(problem["loc"][0])]
