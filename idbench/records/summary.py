"""`summary.json`: every number of the report, as typed records.

recognizers -> NAME -> `strict` or `paper` -> groups -> `all` or a subset -> models -> MODEL -> METRIC -> estimate.
The models of the group `all` stand directly under the protocol too. Estimates, comparisons, bands and verifications
are the statistics' own types.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from idbench.schema import Record
from idbench.stats import Band, Comparison, Estimate, Verification

__all__ = [
    "Distance",
    "ImageGroup",
    "ImageSummary",
    "MetricDeclaration",
    "ModelSummary",
    "PaperEstimate",
    "PaperGroup",
    "PaperSummary",
    "RecognizerSummary",
    "StrictGroup",
    "StrictSummary",
    "Summary",
    "TradeOff",
]

ModelSummary = dict[str, Estimate]
"""One model's estimates by metric."""


class MetricDeclaration(Record):
    """What a metric says about itself."""

    title: str
    direction: str
    unit: str
    range: tuple[float | None, float | None]
    meaning: str
    citation: str
    headline: bool


class Distance(Record):
    """Signed distance of a model from the line through the others, with its interval; negative: less copying."""

    mean: float
    low: float | None
    high: float | None


class TradeOff(Record):
    """Fidelity against copying: front, hypervolume, distances from the line, spread of each point."""

    pareto: list[str]
    hypervolume: float
    line_distance: dict[str, Distance]
    ellipses: dict[str, list[list[float]]] = Field(description="covariance (2, 2) of resampled points")


class StrictGroup(Record):
    """The strict protocol's numbers of one group: all cases, or a subset."""

    models: dict[str, ModelSummary]
    outcomes: dict[str, dict[str, int]] = Field(description="model -> outcome -> how many people met it")
    people: int
    clusters: int
    several_people: bool
    copy_paste_floor: float = Field(description="failure-aware sim_gt below which copy-paste is not ranked")
    comparisons: dict[str, list[Comparison]] = Field(description="compared metric -> every pair of models")
    ranks: dict[str, dict[str, int]] = Field(description="compared metric -> model -> shared rank")
    paired_on: str
    tradeoff: TradeOff


class _WithGroups(Record):
    """Numbers by group; on disk the models of `all` stand beside the groups too."""

    @model_validator(mode="before")
    @classmethod
    def _without_copy(cls, values: object) -> object:
        return {k: v for k, v in values.items() if k != "models"} if isinstance(values, dict) else values

    @model_serializer(mode="wrap")
    def _with_copy(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = serialise(self)
        return {"models": values["groups"]["all"]["models"], **values}


class StrictSummary(_WithGroups):
    """One recognizer under the strict protocol. natural_band and verification: None where it cannot be measured."""

    groups: dict[str, StrictGroup]
    natural_band: Band | None
    verification: Verification | None

    @property
    def models(self) -> dict[str, ModelSummary]:
        """The models of all cases."""
        return self.groups["all"].models


class PaperEstimate(Record):
    """The published summary of one list of values, and what its mean would be without single quirks."""

    mean: float
    low: None = None
    high: None = None
    n: int
    std: float
    min: float
    max: float
    median: float
    q1: float
    q3: float
    outliers_removed: float
    outliers_percent: float
    mean_with_outliers: float
    mean_unpadded_with_outliers: float | None = None


class PaperGroup(Record):
    """The paper protocol's numbers of one group."""

    models: dict[str, dict[str, PaperEstimate]]


class PaperSummary(_WithGroups):
    """One recognizer under the paper protocol."""

    groups: dict[str, PaperGroup]

    @property
    def models(self) -> dict[str, dict[str, PaperEstimate]]:
        """The models of all cases."""
        return self.groups["all"].models


class RecognizerSummary(Record):
    """What one recognizer says; a protocol that was not asked for is absent."""

    strict: StrictSummary | None = None
    paper: PaperSummary | None = None

    @property
    def protocols(self) -> dict[str, StrictSummary | PaperSummary]:
        """What was asked for by protocol, strict first."""
        both = {"strict": self.strict, "paper": self.paper}
        return {name: found for name, found in both.items() if found is not None}


class ImageSummary(Record):
    """One model's image metrics and generation outcomes. On disk the metrics stand beside the counts."""

    metrics: ModelSummary
    outcomes: dict[str, int]
    prompts_cut: int

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: object) -> object:
        if not isinstance(values, dict) or "metrics" in values:
            return values
        counts = {key: values[key] for key in ("outcomes", "prompts_cut") if key in values}
        return counts | {"metrics": {k: v for k, v in values.items() if k not in counts}}

    @model_serializer(mode="wrap")
    def _flat(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = serialise(self)
        return {**values.pop("metrics"), **values}


class ImageGroup(Record):
    """Image metrics of one group by model."""

    models: dict[str, ImageSummary]


class Summary(Record):
    """Everything in `summary.json`. Write with `exclude_unset`: what does not apply is absent."""

    schema_version: int
    models: list[str] = Field(description="in the order of the tables, oracles last")
    oracles: list[str]
    variants: list[str] = Field(default_factory=list, description="models that are one value of a sweep")
    level: float = Field(description="of every interval")
    recognizers: dict[str, RecognizerSummary]
    images: dict[str, ImageGroup]
    metrics: dict[str, MetricDeclaration]
    pooled_paper: dict[str, PaperGroup] | None = None
    quirks: dict[str, str] | None = None
