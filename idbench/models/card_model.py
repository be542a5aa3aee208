"""What all models with a card share: they are opened, described and checked by what the card says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from idbench.models import weights
from idbench.models.cards import Card, load_card, renamed_keys
from idbench.models.digests import digest, is_cache, named_files
from idbench.models.execution import Execution
from idbench.models.preflight import Blocker, Needs, card_blockers, needs_of, resource_warnings, stop_at_first
from idbench.models.settings import settings_of
from idbench.provenance import installed

__all__ = ["CardModel"]


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
    extra = "generate"
    """The extra of idbench that installs the packages it needs."""
    needs_truth = False

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        self.name = name
        self.folder = Path(location).absolute()
        self.card: Card = load_card(self.folder)
        self.settings = settings_of(self.card, given, name)
        self.parameters: Mapping[str, Any] = self.settings.parameters

    @property
    def execution(self) -> Execution:
        """In processes of its own, in batches and with the offloading that the user asked for."""
        chosen = self.settings.execution
        return Execution(isolated=True, batch=int(chosen["batch"]), offload=str(chosen["offload"]))

    @property
    def loading(self) -> dict[str, Any]:
        """What must be equal for two models to share loaded weights."""
        chosen = {key: self.parameters[key] for key, one in self.card.parameters.items() if one.loading}
        places = {role: str(path) for role, path in self.settings.places.items()}
        return {"parameters": chosen, "places": places, "offload": self.settings.execution["offload"]}

    def preflight(self, device: str = "auto") -> list[Blocker]:
        """Everything that would stop the model on this machine, and what may; nothing is loaded."""
        return [*self.blockers(), *resource_warnings(self.card, self.settings, device), *self._renamed()]

    def _renamed(self) -> Iterator[Blocker]:
        for old, new in renamed_keys(self.folder).items():
            text = f"{self.folder / 'card.toml'}: '{old}' is called '{new}' now; the next version reads no '{old}'"
            yield Blocker("renamed", text, stops=False)

    def blockers(self) -> Iterator[Blocker]:
        """What would certainly stop it here. Adapters that need more than packages and weights add to it."""
        return card_blockers(self.card, self.settings, self.extra)

    def needs(self) -> Needs:
        """Weights and memory."""
        return needs_of(self.card, self.settings)

    def require(self) -> None:
        """Raises `MissingPackageError`, `ConfigError` or `WeightsError`, one line, for the first of `blockers`."""
        stop_at_first(self.blockers(), self.card.name)

    def weights(self, role: str) -> Path:
        """Where the weights of a role lie. Raises `WeightsError`, one line, if they are absent or not whole."""
        return weights.usable(self.card.need(role), self.name, self.settings.places.get(role))

    def describe(self) -> dict[str, Any]:
        """Kind, version, versions of packages, the card's own part, a digest of every set of weights and of every file
        that a parameter names.

        Raises `WeightsError` if some are not here.
        """
        digests = {need.role: weights.digest(self.weights(need.role)) for need in self.card.needed(self.parameters)}
        about = {"kind": self.card.kind, "version": self.version, "weights": digests}
        packages = {name: found for name in self.card.packages if (found := installed(name)) is not None}
        about |= {"packages": packages} | ({"pipeline": self.card.pipeline} if self.card.pipeline else {})
        named = {name: digest(path, is_cache) for name, path in self._named().items()}
        return about | ({"named": named} if named else {})

    def _named(self) -> dict[str, Path]:
        """Files and folders that its parameters name, from where the user is."""
        return named_files(self.parameters.values(), Path.cwd())
