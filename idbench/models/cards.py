"""Model cards: what a model is, what it needs, and which parameters it has. Data, not code.

A card is `baselines/<name>/card.toml`, or `card.toml` in any folder given as `--model FOLDER`. Its `kind` names
the adapter (entry-point group `idbench.models`) that turns it into a model.
"""

from __future__ import annotations

import datetime
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, JsonValue, ValidationError, field_validator, model_validator

from idbench.errors import ConfigError, UnknownNameError
from idbench.models.execution import OFFLOADS
from idbench.schema import Record, problem_of

__all__ = [
    "Card",
    "CardFacts",
    "FaceEncoder",
    "Hosted",
    "Licence",
    "Parameter",
    "Source",
    "Weights",
    "baselines_folder",
    "card_names",
    "card_of",
    "load_card",
]

Value = bool | int | float | str


class Source(Record):
    """Where a model comes from."""

    paper: str = Field("", description="such as arXiv 2510.14975")
    repository: str = Field("", description="address of its code")
    revision: str = Field("", description="commit or tag the card was written for")


class Licence(Record):
    """Terms, in the words of their owners."""

    code: str
    weights: str


class FaceEncoder(Record):
    """A face network the model was conditioned on or trained against: a judge of its family is not neutral."""

    family: str = Field(description="family as recognizers state it: arcface, facenet, adaface, ...")
    name: str
    use: Literal["conditioning", "training"]


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
    gated: bool = Field(False, description="whether the owner must let you in first")
    only_with: str = Field("", description="needed only where this parameter, true or false, is true")

    @model_validator(mode="after")
    def _complete(self) -> Weights:
        if self.form in ("file", "pack") and not self.file:
            raise ValueError(f"weights '{self.role}' of form {self.form} need a file")
        if self.form != "pack" and not self.hub:
            raise ValueError(f"weights '{self.role}' need a hub repository")
        return self


class Parameter(Record):
    """One thing a user may set. Its type is that of its default."""

    default: Value
    meaning: str
    low: float | None = None
    high: float | None = None
    multiple: int | None = None
    choices: tuple[str, ...] = ()
    loading: bool = False
    """Whether the model must be loaded anew for another value."""

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        self.check(self.default)
        return self

    def parse(self, text: str) -> Value:
        """The value a user typed. Raises `ValueError`, one line."""
        kind = type(self.default)
        if kind is bool:
            if text.lower() not in ("true", "false"):
                raise ValueError(f"expected true or false, found '{text}'")
            return text.lower() == "true"
        try:
            value: Value = kind(text)
        except ValueError as error:
            raise ValueError(f"expected {'a whole number' if kind is int else 'a number'}, found '{text}'") from error
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        """Raises `ValueError`, one line, if a value is outside the range or none of the choices."""
        if self.choices and value not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}, found '{value}'")
        if isinstance(value, str | bool):
            return
        low, high = self.low, self.high
        if not ((low is None or value >= low) and (high is None or value <= high)):
            raise ValueError(f"expected {_range(low, high)}, found {value:g}")
        if self.multiple and value % self.multiple:
            raise ValueError(f"expected a multiple of {self.multiple}, found {value:g}")


class Prices(Record):
    """A vendor's price list: US dollars per million tokens, by what the tokens are."""

    date: datetime.date = Field(description="when the list was read")
    source: str
    text_input: float = Field(ge=0)
    image_input: float = Field(ge=0)
    text_output: float = Field(ge=0)
    image_output: float = Field(ge=0)


class Hosted(Record):
    """`[hosted]` of a card: a model that runs at its vendor's and is asked over the network, for money."""

    model: str = Field(description="what the vendor calls it")
    keys: tuple[str, ...] = Field(min_length=1, description="environment variables; the first one set is taken")
    prices: Prices
    dollars: dict[str, Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="about what an image costs, by choice of the parameter `dollars_by`"
    )
    dollars_by: str
    spending_cap: float = Field(25.0, gt=0, description="US dollars a run may spend on the model by default")
    aspect_ratios: tuple[Annotated[str, Field(pattern=r"^\d+:\d+$")], ...] = Field(
        (), description="shapes it offers; empty: width and height are taken as they are"
    )

    def expected(self, parameters: Mapping[str, Any]) -> float:
        """US dollars an image is expected to cost, about."""
        return self.dollars[str(parameters[self.dollars_by])]


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


class CardFacts(Record):
    """What is known about a model, apart from its parameters; run.json keeps it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    kind: str = Field(description="adapter, such as diffusers or withanyone")
    title: str
    summary: str = Field(description="one sentence")
    source: Source
    licence: Licence
    face_encoders: tuple[FaceEncoder, ...] = ()
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
    billions: dict[str, float] = Field(
        default_factory=dict, description="parameters per network, in billions: expected memory follows from them"
    )
    batch: int = Field(1, ge=1, le=256, description="jobs that are generated together by default")
    worker: dict[str, JsonValue] = Field(default_factory=dict, description="what a model run by a worker needs")
    hosted: Hosted | None = Field(None, description="vendor, prices and keys of a model that runs elsewhere")


class Card(CardFacts):
    """Everything that is known about a model before it is loaded."""

    parameters: dict[str, Parameter] = Field(default_factory=dict)
    pipeline: dict[str, Any] = Field(default_factory=dict, description="what adapters on diffusers want to know")

    @property
    def facts(self) -> CardFacts:
        """Without parameters and pipeline."""
        return CardFacts.model_validate(self.model_dump(include=set(CardFacts.model_fields)))

    @field_validator("parameters")
    @classmethod
    def _free_names(cls, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        for name in parameters:
            if name in ("batch", "offload", "spending_cap", "timeout", "retries") or not name.isidentifier():
                raise ValueError(f"a parameter cannot be called '{name}'")
        return parameters

    @model_validator(mode="after")
    def _conditions_exist(self) -> Card:
        for one in self.weights:
            if one.only_with and one.only_with not in self.parameters:
                raise ValueError(f"weights '{one.role}': no parameter is called '{one.only_with}'")
        for name in ("dtype", "compile", *(one.only_with for one in self.weights)):
            if name in self.parameters and not self.parameters[name].loading:
                raise ValueError(f"parameter '{name}' decides what is loaded: give it loading = true")
        return self

    @model_validator(mode="after")
    def _every_choice_has_a_price(self) -> Card:
        if self.hosted is not None:
            by = self.hosted.dollars_by
            if by not in self.parameters or set(self.parameters[by].choices) != set(self.hosted.dollars):
                raise ValueError(f"hosted.dollars: expected one price for every choice of the parameter '{by}'")
        return self

    @cached_property
    def execution(self) -> dict[str, Parameter]:
        """What decides how, but not what, the model generates."""
        if self.hosted is not None:
            return self._asking(self.hosted.spending_cap)
        return {
            "batch": Parameter(default=self.batch, low=1, high=256, meaning="jobs that are generated together"),
            "offload": Parameter(
                default="none", choices=OFFLOADS, meaning="what leaves the GPU while idle: less memory, more time"
            ),
        }

    def _asking(self, cap: float) -> dict[str, Parameter]:
        """How a hosted model is asked."""
        return {
            "batch": Parameter(default=self.batch, low=1, high=256, meaning="requests at a time"),
            "spending_cap": Parameter(default=cap, low=0, meaning="US dollars a run may spend, earlier starts too"),
            "timeout": Parameter(default=240.0, low=1, high=3600, meaning="seconds a request may take"),
            "retries": Parameter(default=4, low=0, high=20, meaning="times a request that failed is repeated"),
        }

    def needed(self, parameters: Mapping[str, Any]) -> tuple[Weights, ...]:
        """The weights a model with these parameters needs."""
        return tuple(one for one in self.weights if not one.only_with or parameters.get(one.only_with))

    def need(self, role: str) -> Weights:
        """The weights of a role. Raises `ConfigError` if the card has none."""
        for weights in self.weights:
            if weights.role == role:
                return weights
        raise ConfigError(f"card '{self.name}' has no weights '{role}'")


def baselines_folder() -> Path:
    """The cards that come with idbench: in the installed package, else in the repository."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_baselines"
    return shipped if shipped.is_dir() else package.parent / "baselines"


def card_names() -> list[str]:
    """Names of the cards that come with idbench, sorted."""
    return sorted(path.parent.name for path in baselines_folder().glob("*/card.toml"))


def load_card(folder: Path) -> Card:
    """Read `card.toml` in a folder. Raises `ConfigError`, one line, if it is no valid card."""
    path = folder / "card.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return Card.model_validate(values)
    except FileNotFoundError as error:
        raise ConfigError(f"no card at {path}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"card {path}: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"card {path}: {problem_of(error, Card.model_fields)}") from error


def card_of(name: str) -> Card:
    """The card that comes with idbench under this name. Raises `UnknownNameError` with the nearest name."""
    names = card_names()
    if name not in names:
        raise UnknownNameError(f"no model has a card called '{name}'; {nearest(name, names)}")
    return load_card(baselines_folder() / name)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
