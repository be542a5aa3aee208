"""`summary.json`: every number of the report, as typed records.

recognizers -> NAME -> `strict` or `paper` -> groups -> `all` or a subset -> models -> MODEL -> METRIC -> estimate.
The models of the group `all` stand directly under the protocol too. Estimates, comparisons, bands and verifications
are the statistics' own types.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from idbench.schema import Record
from idbench.stats import Band, Comparison, CopyThreshold, Estimate, LikenessScale, Verification

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
    """In tables."""
    direction: str
    """`higher` or `lower` is better, `zero` is best, or `context`."""
    unit: str
    """Empty for plain numbers."""
    range: tuple[float | None, float | None]
    """Low and high; null: no limit."""
    meaning: str
    """One line."""
    citation: str
    """Source."""
    headline: bool
    """Whether it stands in the first table."""


class Distance(Record):
    """Signed distance of a model from the line through the others, with its interval; negative: less copying."""

    mean: float
    """Of all cases."""
    low: float | None
    """Of the interval."""
    high: float | None
    """Of the interval."""


class TradeOff(Record):
    """Fidelity against copying: front, hypervolume, distances from the line, spread of each point."""

    pareto: list[str]
    """Models that no other one beats in both, by similarity."""
    hypervolume: float
    """Area they dominate, against similarity 0 and copy-paste 1."""
    line_distance: dict[str, Distance]
    """By model."""
    ellipses: dict[str, list[list[float]]] = Field(description="covariance (2, 2) of resampled points")


class StrictGroup(Record):
    """The strict protocol's numbers of one group: all cases, or a subset."""

    models: dict[str, ModelSummary]
    """Model -> metric -> estimate."""
    outcomes: dict[str, dict[str, int]] = Field(description="model -> outcome -> how many people met it")
    people: int
    """In its cases."""
    clusters: int
    """Independent groups of its cases."""
    several_people: bool
    """Whether any case shows more than one."""
    copy_paste_floor: float = Field(description="failure-aware sim_gt below which copy-paste is not ranked")
    copy_share_floor: float = Field(description="failure-aware likeness below which copy share is not ranked")
    comparisons: dict[str, list[Comparison]] = Field(description="compared metric -> every pair of models")
    ranks: dict[str, dict[str, int]] = Field(description="compared metric -> model -> shared rank")
    smallest_p: float
    """The smallest p a comparison over so many clusters can give; above 1 - level nothing can be told apart."""
    paired_on: str
    """What comparisons pair: single images, or means over seeds."""
    tradeoff: TradeOff
    """Fidelity against copying."""

    @property
    def ranked_by(self) -> str:
        """The metric that ranks models: likeness, or similarity to the target where likeness cannot be measured."""
        return "likeness_failure_aware" if self.ranks.get("likeness_failure_aware") else "sim_gt_failure_aware"

    @property
    def copying_ranked_by(self) -> str:
        """The metric that ranks copying, beside `ranked_by`."""
        known = self.ranked_by == "likeness_failure_aware"
        return "copy_share_failure_aware" if known else "copy_paste_failure_aware"


T = TypeVar("T")


def _with_all(groups: dict[str, T]) -> dict[str, T]:
    if "all" not in groups:
        raise ValueError("expected a group 'all'")
    return groups


Groups = Annotated[dict[str, T], AfterValidator(_with_all)]
"""By group: `all`, and each subset where there are several."""


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

    groups: Groups[StrictGroup]
    """`all`, and each subset where there are several."""
    natural_band: Band | None
    """How alike two real photos of one person are."""
    verification: Verification | None
    """How well the recognizer tells people apart."""
    likeness_scale: LikenessScale | None = None
    """What likeness 0 and 1 are; None with too few pairs of photos."""
    copy_threshold: CopyThreshold | None = None
    """From where a face is a copy of the reference; None with too few pairs of photos."""
    unusable_pairs: dict[str, int] = Field(default_factory=dict, description="why pairs cannot tell copying -> pairs")

    @property
    def models(self) -> dict[str, ModelSummary]:
        """The models of all cases."""
        return self.groups["all"].models


class PaperEstimate(Record):
    """The published summary of one list of values, and what its mean would be without single quirks."""

    mean: float
    """As published: without outliers, or the median."""
    low: None = None
    """No interval is published."""
    high: None = None
    """No interval is published."""
    n: int
    """Values, outliers included."""
    std: float
    """Of the values kept."""
    min: float
    """Of the values kept."""
    max: float
    """Of the values kept."""
    median: float
    """Of the values kept."""
    q1: float
    """First quartile."""
    q3: float
    """Third quartile."""
    outliers_removed: float
    """How many."""
    outliers_percent: float
    """Of all values."""
    mean_with_outliers: float
    """Mean of all values."""
    mean_unpadded_with_outliers: float | None = None
    """The same, had references not been padded with black."""


class PaperGroup(Record):
    """The paper protocol's numbers of one group."""

    models: dict[str, dict[str, PaperEstimate]]
    """Model -> metric -> estimate."""


class PaperSummary(_WithGroups):
    """One recognizer under the paper protocol."""

    groups: Groups[PaperGroup]
    """`all`, and each subset where there are several."""

    @property
    def models(self) -> dict[str, dict[str, PaperEstimate]]:
        """The models of all cases."""
        return self.groups["all"].models


class RecognizerSummary(Record):
    """What one recognizer says; a protocol that was not asked for is absent."""

    strict: StrictSummary | None = None
    """The strict protocol."""
    paper: PaperSummary | None = None
    """The paper protocol."""

    @property
    def protocols(self) -> dict[str, StrictSummary | PaperSummary]:
        """What was asked for by protocol, strict first."""
        both = {"strict": self.strict, "paper": self.paper}
        return {name: found for name, found in both.items() if found is not None}


class ImageSummary(Record):
    """One model's image metrics and generation outcomes. On disk the metrics stand beside the counts."""

    metrics: ModelSummary
    """Metric -> estimate."""
    outcomes: dict[str, int]
    """Outcome -> images."""
    prompts_cut: int
    """Images whose prompt was longer than CLIP reads."""

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
    """By name."""


class Summary(Record):
    """Everything in `summary.json`. Write with `exclude_unset`: what does not apply is absent."""

    schema_version: int
    """Of this file."""
    models: list[str] = Field(description="in the order of the tables, oracles last")
    oracles: list[str]
    """Models with a known answer."""
    variants: list[str] = Field(default_factory=list, description="models that are one value of a sweep")
    level: float = Field(gt=0, lt=1, description="of every interval")
    recognizers: dict[str, RecognizerSummary]
    """By name."""
    images: Groups[ImageGroup]
    """`all` or a subset -> what does not depend on recognizers."""
    metrics: dict[str, MetricDeclaration]
    """What each metric says about itself."""
    overall: dict[str, dict[str, ModelSummary]] | None = Field(
        default=None, description="`all` or a subset -> model -> likeness over all recognizers; absent without a scale"
    )
    pooled_paper: dict[str, PaperGroup] | None = None
    """The published overall number: all recognizers in one list. By group."""
    quirks: dict[str, str] | None = None
    """What the paper protocol does otherwise, by name."""
