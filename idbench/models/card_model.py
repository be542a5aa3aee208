"""What all models with a card share: parameters and weights as the card says and the user changed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idbench.errors import ConfigError
from idbench.models import weights
from idbench.models.cards import Card, Parameter, Value, load_card, nearest
from idbench.models.execution import Execution
from idbench.provenance import installed

if TYPE_CHECKING:
    from idbench.models.preflight import Blocker, Needs

__all__ = ["CardModel", "Settings", "settings_of"]


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


class CardModel:
    """Base of adapters: everything but `load`, `generate` and `close`.

    Parameters
    ----------
    name : what tables call the model.
    location : folder of its card.
    given : what the user set, as text.
    """

    version = 1
    """Raise it when the adapter gives other pixels for the same job and weights."""
    needs_truth = False

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        self.name = name
        self.folder = Path(location).absolute()
        self.card: Card = load_card(self.folder)
        self.settings = settings_of(self.card, given, name)
        self.parameters: Mapping[str, Any] = self.settings.parameters

    @property
    def execution(self) -> Execution:
        """In processes of its own, as the card and the user say."""
        how = self.settings.execution
        return Execution(isolated=True, batch=int(how["batch"]), offload=str(how.get("offload", "none")))

    def preflight(self, device: str) -> list[Blocker]:
        """What would stop it on this machine."""
        from idbench.models.preflight import blockers

        return blockers(self.card, self.settings, device, self.folder)

    def needs(self) -> Needs:
        """Weights and memory."""
        from idbench.models.preflight import needs_of

        return needs_of(self.card, self.settings)

    @property
    def loading(self) -> dict[str, Any]:
        """What must be equal for two models to share loaded weights."""
        chosen = {key: self.parameters[key] for key, one in self.card.parameters.items() if one.loading}
        places = {role: str(path) for role, path in self.settings.places.items()}
        return {"parameters": chosen, "places": places, "offload": self.settings.execution["offload"]}

    def weights(self, role: str) -> Path:
        """Where the weights of a role lie. Raises `WeightsError`, one line, if they are absent or not whole."""
        return weights.usable(self.card.need(role), self.name, self.settings.places.get(role))

    def describe(self) -> dict[str, Any]:
        """Kind, version, versions of packages, the card's own part, and a digest of every set of weights.

        Raises `WeightsError` if some are not here.
        """
        digests = {need.role: weights.digest(self.weights(need.role)) for need in self.card.needed(self.parameters)}
        about = {"kind": self.card.kind, "version": self.version, "weights": digests}
        packages = {name: found for name in self.card.packages if (found := installed(name)) is not None}
        return about | {"packages": packages} | ({"pipeline": self.card.pipeline} if self.card.pipeline else {})
