"""`run.json`: what was asked, and where every number comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, ConfigDict, Field, JsonValue

from idbench.config import RunConfig
from idbench.records.cards import CardFacts
from idbench.schema import Record

__all__ = [
    "Counts",
    "GitState",
    "ListedFiles",
    "ListedProblems",
    "ModelRecord",
    "NetworkRecord",
    "Provenance",
    "RunRecord",
    "SuiteCounts",
    "SuiteRecord",
    "SweepValue",
    "UndefinedPeople",
]

RUN_VERSION = 1
"""Raise it when run.json changes its form."""


class GitState(Record):
    """The source tree idbench runs from."""

    commit: str
    """Hash."""
    clean: bool = Field(description="whether no tracked file was changed")


class Provenance(Record):
    """Code, packages and hardware, without user or host names."""

    idbench: str
    """Version."""
    git: GitState | None = None
    """Of the source tree; null outside one."""
    python: str
    """Version."""
    system: str
    """Operating system and processor."""
    cores: int
    """Usable by this process."""
    packages: dict[str, str]
    """Installed packages numbers depend on -> version."""
    metrics_edition: int = Field(1, description="of the definitions of the metrics")


class SuiteCounts(Record):
    """What is counted over a suite's cases."""

    fingerprint: str = Field(description="sha256 over prompts, labels, boxes and photos")
    cases: int
    """After subsets were chosen."""
    people: int
    """Slots of all cases."""
    identities: int
    """Different people among them."""
    clusters: int = Field(description="groups of cases that share people")
    subsets: dict[str, int]
    """Subset -> cases."""
    labelled: bool = Field(description="whether every person's identity is named")
    without_target: int
    """Cases without a target photo."""
    with_boxes: int
    """Cases with a box for every person."""


class SuiteRecord(SuiteCounts):
    """The suite a run is on."""

    name: str
    """As reports call it."""
    source: str
    """Hub id and revision, or path."""
    licence: str
    """Terms of its photos, as far as it says."""
    rendered: bool = Field(description="whether its people never lived")


class SweepValue(Record):
    """Where a model stands in a sweep: one value of a parameter of the model `of`."""

    of: str
    """Model as asked for."""
    parameter: str
    """Name."""
    value: float | str
    """The one this model has."""


class Described(Record):
    """What a part of a run says of itself; parts of other packages may say more."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = ""
    """As in --model, --recognizer, --detector."""
    weights: dict[str, str] = Field(default_factory=dict, description="file or role -> sha256")
    providers: list[str] = Field(default_factory=list, description="what it was computed with")
    licence: str = ""
    """Terms of its weights."""


class NetworkRecord(Described):
    """A detector, recognizer or encoder."""

    family: str = Field("", description="recognizers of one family learnt alike: arcface, facenet, adaface, ...")
    pack: str = Field("", description="folder of an InsightFace pack")
    alignment: JsonValue = None
    """How faces are cut for it."""
    preprocessing: JsonValue = None
    """From pixels to its input."""


class ModelRecord(Described):
    """A model: images that exist, an oracle, or one that generates."""

    folder: str | None = Field(None, description="of images that exist")
    what: str | None = Field(None, description="of an oracle: what it gives back")
    dials: dict[str, int | float] | None = Field(None, description="of a simulated model")
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """All of them, changed or not."""
    card: CardFacts | None = None
    """What was known before it was loaded."""
    sweep: SweepValue | None = None
    """Where it is one value of a sweep."""


class ListedProblems(Record):
    """How many, and the first of them with the reason."""

    count: int
    """All."""
    first: dict[str, str]
    """What -> reason."""


class UndefinedPeople(ListedProblems):
    """People for whom a recognizer has no copy-paste score, whatever the images show."""

    reasons: dict[str, int]
    """Reason -> how many of them."""


class ListedFiles(Record):
    """How many, and the first of them."""

    count: int
    """All."""
    first: list[str]
    """Paths."""


class Counts(Record):
    """The account of what was asked for and what became of it."""

    suite_problems: dict[str, str] = Field(default_factory=dict, description="case -> what was wrong with it")
    suite_photos_unreadable: dict[str, str] = Field(default_factory=dict, description="photo -> reason")
    people_unclear: ListedProblems | None = Field(
        None, description="people whom the photos of their case do not tell clearly; what needs that face is undefined"
    )
    people_undefined: dict[str, UndefinedPeople] = Field(
        default_factory=dict, description="recognizer -> people whose faces in the suite give no copy-paste score"
    )
    profiles_ignored: ListedProblems | None = Field(
        None, description="images whose colour profile cannot be used; their numbers are taken for sRGB"
    )
    frames_ignored: ListedProblems | None = Field(
        None, description="images of several frames or pages, of which one is measured"
    )
    images_doubtful: ListedProblems | None = Field(
        None, description="images that hardly show anything: transparent, of one colour, nearly black by their samples"
    )
    encoders: dict[str, NetworkRecord] = Field(default_factory=dict)
    """CLIP and aesthetics, where they were used."""
    images_analysed_anew: int = Field(0, description="images the cache did not have")
    recognizer_failures: dict[str, ListedProblems] = Field(
        default_factory=dict,
        validation_alias=AliasChoices("recognizer_failures", "judge_failures"),
        description="recognizer -> images whose faces it could not embed (`judge_failures` in version 0.1)",
    )
    recognizer_faults: dict[str, str] = Field(
        default_factory=dict,
        description="recognizer -> why it measures nothing: its network's fault, or no usable answer",
    )
    surplus_files: dict[str, ListedFiles] = Field(
        default_factory=dict, description="model -> files not scored: of no case, second ones of an image, links out"
    )
    not_tried: dict[str, int] = Field(default_factory=dict, description="model -> jobs it never ran; run again")


class RunRecord(Record):
    """`run.json`. Written with `state` running before anything else is, and again after everything else."""

    schema_version: int = RUN_VERSION
    """Of this file."""
    state: Literal["running", "incomplete", "finished"]
    """`incomplete`: everything was scored, but some jobs were never tried, because their model did not run."""
    config: RunConfig
    """What was asked."""
    suite: SuiteRecord | None = None
    """What it is on; null until it was read."""
    models: dict[str, ModelRecord] = Field(default_factory=dict)
    """By name."""
    detector: NetworkRecord | None = None
    """Null until it was opened."""
    recognizers: dict[str, NetworkRecord] = Field(default_factory=dict)
    """By name."""
    provenance: Provenance
    """Code, packages, hardware."""
    counts: Counts = Field(default_factory=Counts)
    """What became of it."""

    @property
    def sweep_values(self) -> list[str]:
        """Names of models that stand in a sweep."""
        return [name for name, about in self.models.items() if about.sweep is not None]
