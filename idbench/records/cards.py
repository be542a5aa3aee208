"""What is known about a model before it is loaded: the facts of its card, which run.json keeps too."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, JsonValue, model_validator

from idbench.schema import Record

__all__ = ["CardFacts", "FaceEncoder", "Hosted", "Licence", "Prices", "Source", "Weights"]


class Source(Record):
    """Where a model comes from."""

    paper: str = Field("", description="such as arXiv 2510.14975")
    repository: str = Field("", description="address of its code")
    revision: str = Field("", description="commit or tag the card was written for")


class Licence(Record):
    """Terms, in the words of their owners."""

    code: str
    """Of the code."""
    weights: str
    """Of the weights."""


class FaceEncoder(Record):
    """A face network the model was conditioned on or trained against: a judge of its family is not neutral."""

    family: str = Field(description="family as recognizers state it: arcface, facenet, adaface, ...")
    name: str
    """Such as antelopev2."""
    use: Literal["conditioning", "training"]
    """Whether it sees the reference when an image is made, or gave a training loss."""


class Weights(Record):
    """One set of weights a model needs."""

    role: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="what the model uses it as; --set NAME.weights.ROLE=PATH"
    )
    form: Literal["pipeline", "folder", "file", "pack"] = Field(
        description="diffusers pipeline, transformers folder, one file, or InsightFace pack"
    )
    hub: str = Field("", description="repository on the Hugging Face hub")
    revision: str = Field("main", description="commit, tag or branch on the hub")
    file: str = Field("", description="form file: its name in the repository; form pack: the pack's name")
    patterns: tuple[str, ...] = Field((), description="which files are fetched; empty means what the form needs")
    gigabytes: float = Field(gt=0, description="about how much is fetched")
    licence: str
    """In the words of its owner."""
    gated: bool = Field(False, description="whether the owner must let you in first")
    only_with: str = Field("", description="needed only where this parameter, true or false, is true")

    @model_validator(mode="after")
    def _complete(self) -> Weights:
        if self.form in ("file", "pack") and not self.file:
            raise ValueError(f"weights '{self.role}' of form {self.form} need a file")
        if self.form != "pack" and not self.hub:
            raise ValueError(f"weights '{self.role}' need a hub repository")
        return self


class Prices(Record):
    """A vendor's price list: US dollars per million tokens, by what the tokens are."""

    date: datetime.date = Field(description="when the list was read")
    source: str
    """Address of the list."""
    text_input: float = Field(ge=0)
    """Tokens of prompts."""
    image_input: float = Field(ge=0)
    """Tokens of references."""
    text_output: float = Field(ge=0)
    """Tokens of text in the answer."""
    image_output: float = Field(ge=0)
    """Tokens of images in the answer."""


class Hosted(Record):
    """`[hosted]` of a card: a model that runs at its vendor's and is asked over the network, for money."""

    model: str = Field(description="what the vendor calls it")
    keys: tuple[str, ...] = Field(min_length=1, description="environment variables; the first one set is taken")
    prices: Prices
    """What tokens cost."""
    dollars: dict[str, Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="about what an image costs, by choice of the parameter `dollars_by`"
    )
    dollars_by: str
    """Name of a parameter with choices."""
    spending_cap: float = Field(25.0, gt=0, description="US dollars a run may spend on the model by default")
    aspect_ratios: tuple[Annotated[str, Field(pattern=r"^\d+:\d+$")], ...] = Field(
        (), description="shapes it offers; empty: width and height are taken as they are"
    )

    def expected(self, parameters: Mapping[str, Any]) -> float:
        """US dollars an image is expected to cost, about."""
        return self.dollars[str(parameters[self.dollars_by])]


class CardFacts(Record):
    """What is known about a model, apart from its parameters; run.json keeps it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    """As in --model and --set NAME.KEY=VALUE."""
    kind: str = Field(description="adapter, such as diffusers or withanyone")
    title: str
    """In reports."""
    summary: str = Field(description="one sentence")
    source: Source
    """Where it comes from."""
    licence: Licence
    """Terms."""
    face_encoders: tuple[FaceEncoder, ...] = ()
    """Face networks it saw."""
    extra_conditioning: tuple[str, ...] = Field((), description="what it is given besides prompt and references")
    max_people: int | None = Field(
        None,
        ge=1,
        validation_alias=AliasChoices("max_people", "most_people"),
        description="more people are refused; None: no limit known (`most_people` in cards of version 0.1)",
    )
    known_problems: tuple[str, ...] = Field((), description="what is known to go wrong, one sentence each")
    packages: tuple[str, ...] = Field((), description="distributions that must be installed")
    weights: tuple[Weights, ...] = ()
    """Everything that is loaded."""
    billions: dict[str, float] = Field(
        default_factory=dict, description="parameters per network, in billions: expected memory follows from them"
    )
    batch: int = Field(1, ge=1, le=256, description="jobs that are generated together by default")
    worker: dict[str, JsonValue] = Field(default_factory=dict, description="what a model run by a worker needs")
    hosted: Hosted | None = Field(None, description="vendor, prices and keys of a model that runs elsewhere")
