"""Model cards: what a model is, what it needs, and which parameters it has. Data, not code.

A card is `baselines/<name>/card.toml`, or `card.toml` in any folder given as `--model FOLDER`. Its `kind` names
the adapter (entry-point group `idbench.models`) that turns it into a model.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from idbench.errors import ConfigError, UnknownNameError
from idbench.models.execution import OFFLOADS
from idbench.records.cards import CardFacts, Weights
from idbench.schema import Record, problem_of
from idbench.shipped import shipped_folder

__all__ = [
    "Card",
    "Parameter",
    "Value",
    "baselines_folder",
    "card_names",
    "card_of",
    "load_card",
    "nearest",
    "renamed_keys",
]

Value = bool | int | float | str

RENAMED = {"most_people": "max_people"}
"""Keys of cards of version 0.1 and what they are called now."""


class Parameter(Record):
    """One thing a user may set. Its type is that of its default."""

    default: Value
    """Its type is the type of all values."""
    meaning: str
    """One line for help."""
    low: float | None = None
    """Lowest number."""
    high: float | None = None
    """Highest number."""
    multiple: int | None = None
    """Numbers must be a multiple of this."""
    choices: tuple[str, ...] = ()
    """Texts that are allowed; empty: any."""
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


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


class Card(CardFacts):
    """Everything that is known about a model before it is loaded."""

    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """What --set may change, by name."""
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
    """The cards that come with idbench."""
    return shipped_folder("baselines")


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


def renamed_keys(folder: Path) -> dict[str, str]:
    """Keys of a card that have another name now, old -> new; the old names are read for one more version."""
    values = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
    return {old: new for old, new in RENAMED.items() if old in values}


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
