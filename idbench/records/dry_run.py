"""What `run --dry-run` says: what would be made, fetched and needed, and what stands in the way."""

from __future__ import annotations

from pydantic import Field, JsonValue

from idbench.schema import Record

__all__ = ["ModelPlan", "PlannedJob", "PlannedWeights", "RunPlan"]


class PlannedJob(Record):
    """One image that would be made."""

    case: str
    seed: int


class PlannedWeights(Record):
    """One set of weights a model needs, and whether it is here."""

    role: str
    hub: str
    file: str
    revision: str
    gigabytes: float
    licence: str
    gated: bool
    here: bool
    place: str = Field(description="where it lies, or belongs")


class ModelPlan(Record):
    """What a run would ask one model for. Facts that do not apply are absent on disk."""

    model: str
    images: int = Field(description="images of all cases the model takes")
    to_do: int
    replaced: int = Field(0, description="images to do that are there, of other parameters, weights, code or versions")
    refused: int = Field(description="images of cases with more people than the model takes")
    jobs: list[PlannedJob]
    parameters: dict[str, JsonValue]
    weights: list[PlannedWeights] = Field(default_factory=list)
    gpu_memory_gb: float | None = Field(None, description="expected, everything on the GPU")
    gpu_memory_gb_offloaded: float | None = Field(None, description="expected, one network at a time on the GPU")
    blockers: list[str]
    dollars: float | None = Field(None, description="expected cost of the images to do")
    spending_cap: float | None = Field(None, description="US dollars a run may spend on the model")


class RunPlan(Record):
    """The plan of a run."""

    suite: str
    images_given: list[str]
    out: str
    models: list[ModelPlan]
    blockers: list[str] = Field(description="what would stop the run, besides what is said of the models")
