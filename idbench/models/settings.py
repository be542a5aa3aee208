"""What a card leaves open, as the user set it: parameters, how the model runs, places of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbench.errors import ConfigError
from idbench.models.cards import Card, Parameter, Value, nearest

__all__ = ["Settings", "settings_of"]


@dataclass(frozen=True)
class Settings:
    """A card's parameters (they decide pixels), how it runs (they do not), and places of weights by role."""

    parameters: dict[str, Value]
    execution: dict[str, Value]
    places: dict[str, Path]


def settings_of(card: Card, given: Mapping[str, str], name: str = "") -> Settings:
    """The card's settings with what the user gave: `KEY=VALUE` or `weights.ROLE=PATH`.

    Raises `ConfigError`, one line, for unknown keys and values that do not fit.
    """
    name = name or card.name
    roles = {f"weights.{need.role}": need for need in card.weights}
    known: dict[str, Any] = card.parameters | card.execution | roles
    values: dict[str, Value] = {}
    places: dict[str, Path] = {}
    for key, text in given.items():
        if key not in known:
            raise ConfigError(f"{name} has no parameter '{key}'; {nearest(key, known)}")
        if key in roles:
            places[roles[key].role] = Path(text).expanduser().absolute()
            continue
        try:
            values[key] = known[key].parse(text)
        except ValueError as error:
            raise ConfigError(f"{name}.{key}: {error}") from error
    return Settings(_chosen(card.parameters, values), _chosen(card.execution, values), places)


def _chosen(parameters: Mapping[str, Parameter], values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: values.get(key, parameter.default) for key, parameter in parameters.items()}
