"""The seam for models: anything that makes images for jobs.

A job is what a model may know of a case: prompt, people with their references and boxes, and a seed. The
target photo is not part of it, so no model can be shown the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Protocol

from idbench.images import RGB
from idbench.records import Generation, GenerationOutcome, Person
from idbench.schema import Box

if TYPE_CHECKING:
    from idbench.models.cards import Card
    from idbench.synthetic.plans import CasePlan

__all__ = ["FACTS", "Generated", "Job", "Model"]


@dataclass(frozen=True)
class Job:
    """One image to be made.

    Parameters
    ----------
    case, seed : what the image is named by; the same job gives the same image.
    people : references of every person, and where the person shall be, as a box in pixels of `canvas`.
    canvas : width and height of the photo that the boxes are measured in; None where there are no boxes.
    parameters : the model's parameters, complete.
    truth : what a rendered case was drawn from; only a model that `needs_truth` gets it.
    """

    case: str
    prompt: str
    people: tuple[Person, ...]
    seed: int = 0
    canvas: tuple[int, int] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    truth: CasePlan | None = None


@dataclass(frozen=True)
class Generated:
    """What a model answers to a job.

    Parameters
    ----------
    pixels : RGB (height, width, 3) uint8; None where there is no image.
    error : why there is none, one line.
    refused : whether the model declined, rather than failed.
    retryable : True where the model did not try and will not try further jobs now, such as without quota: they are
        left to another run.
    boxes : where the model was told to put the people, in pixels of the image, if it takes boxes; slots are scored by
        them.
    cost : US dollars, of hosted models.
    version : what a hosted model says it is.
    seconds, peak_memory, batch, offload : measured by the process that asks the model, which need not tell them.

    All but the first three are facts: fields of `records.Generation` of the same name, kept in the ledger. Another fact
    is added here and there, and nowhere else.
    """

    pixels: RGB | None
    error: str | None = None
    refused: bool = False
    boxes: Sequence[Box] | None = None
    cost: float | None = None
    version: str | None = None
    retryable: Literal[True] | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    batch: int | None = None
    offload: str | None = None

    @property
    def outcome(self) -> GenerationOutcome:
        """What became of the job."""
        if self.pixels is not None:
            return "generated"
        return "refused" if self.refused else "generation_failed"


FACTS = tuple(one.name for one in fields(Generated) if one.name in Generation.model_fields and one.name != "error")
"""What is told of an image besides the image, by names common to `Generated` and `Generation`."""


class Model(Protocol):
    """A model as it was asked for, not yet loaded.

    These members every model has. The following it may have; `models.specs.OpenedModel` says what holds without:

    execution : `Execution`, how it is run.
    keys : tuple of str, the environment variables with keys that its process may see; others are hidden.
    loading : JSON-serialisable, what must be equal for two models of one kind and location to share loaded weights.
    notice : str, one line to be said before a run, such as that photos are sent over a network.
    preflight(device) : list of `Blocker`, what would stop it on this machine.
    launch() : `LaunchSpec`, how its process is started.
    needs() : `Needs`, weights and memory, for `--dry-run` and `idbench models fetch`.
    environment : `Environment`, the isolated environment that `idbench models setup` makes for it.
    """

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def card(self) -> Card | None:
        """What is known about it; None for models that need no card, such as simulated ones."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What decides its pixels besides weights; goes into every job."""
        ...

    @property
    def needs_truth(self) -> bool:
        """Whether it must be told what a rendered case was drawn from; only simulated models may say so."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything its pixels depend on besides the jobs (digests of weights, versions of its code);
        JSON-serialisable. An image is made anew when this changes."""
        ...

    def load(self, device: str, offload: str = "none") -> None:
        """Get ready to generate on `cpu` or `cuda`, with one of `execution.OFFLOADS`. May be called again with another
        one after `close`. Raises `IdbenchError` in one line."""
        ...

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """One answer per job, in order; all jobs have the same parameters.

        Failures of single images are answers with a reason. What is raised counts against every job of the
        batch, except running out of memory, after which fewer jobs are given.
        """
        ...

    def close(self) -> None:
        """Give back memory; `load` may follow."""
        ...
