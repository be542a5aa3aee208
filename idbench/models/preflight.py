"""What would stop a model on this machine, found without loading it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from idbench.errors import ConfigError, IdbenchError, MissingPackageError, WeightsError
from idbench.models import weights
from idbench.models.cards import Card
from idbench.models.memory import expected_memory, machine_memory
from idbench.models.settings import Settings
from idbench.provenance import brings, canonical, installed
from idbench.records.cards import Weights
from idbench.records.dry_run import PlannedWeights

__all__ = ["Blocker", "NeededWeights", "Needs", "card_blockers", "needs_of", "resource_warnings", "stop_at_first"]

ERRORS: Mapping[str, type[IdbenchError]] = {"key": ConfigError, "weights": WeightsError}
"""What is raised by the kind of a blocker; for all others it is `MissingPackageError`."""


@dataclass(frozen=True)
class Blocker:
    """One thing that would stop a model here.

    Parameters
    ----------
    kind : one word for tables: package, key, environment, weights, memory, known, or another.
    text : what is expected, what was found and what to do, in one line.
    stops : whether a run cannot begin with it. An estimate, or a problem that may have gone away, is only told.
    """

    kind: str
    text: str
    stops: bool = True


@dataclass(frozen=True)
class NeededWeights:
    """One set of weights.

    Parameters
    ----------
    what : which.
    place : where it lies, or is to be put.
    here : whether something is at that place.
    given : whether the user named the place.
    """

    what: Weights
    place: Path
    here: bool
    given: bool = False

    @property
    def planned(self) -> PlannedWeights:
        """For plans: what is fetched, from where, and the place."""
        facts = self.what.model_dump(include=PlannedWeights.model_fields.keys() - {"here", "place"})
        return PlannedWeights(**facts, here=self.here, place=str(self.place))


@dataclass(frozen=True)
class Needs:
    """What a model needs.

    Parameters
    ----------
    weights : every set.
    memory : GB to expect with everything on the accelerator, and with only the largest network there; None where
        nothing is known.
    """

    weights: tuple[NeededWeights, ...] = ()
    memory: tuple[float, float] | None = None


def stop_at_first(found: Iterable[Blocker], name: str) -> None:
    """Raises one line for the first of the blockers found that stops a run.

    `ConfigError` for a key, `WeightsError` for weights, else `MissingPackageError`; `name` is what
    `idbench models check` would be asked about to see the others.
    """
    stopping = [blocker for blocker in found if blocker.stops]
    if stopping:
        more = f" (and {len(stopping) - 1} more: idbench models check {name})" if len(stopping) > 1 else ""
        raise ERRORS.get(stopping[0].kind, MissingPackageError)(stopping[0].text + more)


def card_blockers(card: Card, settings: Settings, extra: str) -> Iterator[Blocker]:
    """Packages and weights that a card asks for and that are not here. `extra` of idbench installs the packages."""
    lacking = [name for name in card.packages if installed(name) is None]
    if lacking:
        of_extra = brings(extra)
        others = [name for name in lacking if canonical(name) not in of_extra]
        wanted = [*([f"'idbench[{extra}]'"] if len(others) < len(lacking) else []), *others]
        text = f"{card.name} needs {', '.join(lacking)}, not installed here: pip install {' '.join(wanted)}"
        yield Blocker("package", text)
    for need in card.needed(settings.parameters):
        try:
            weights.usable(need, card.name, settings.places.get(need.role))
        except WeightsError as error:
            yield Blocker("weights", str(error))


def resource_warnings(card: Card, settings: Settings, device: str) -> Iterator[Blocker]:
    """Too little memory, by estimate, and problems that the card knows; neither stops a run."""
    if (expected := expected_memory(card, settings)) is not None:
        whole, offloaded = expected
        where, here = machine_memory(device)
        wanted = whole if settings.execution["offload"] == "none" else offloaded
        if wanted > here:
            less = f" ({offloaded:.0f} GB with --set {card.name}.offload=model)" if wanted > offloaded else ""
            text = f"{card.name} is expected to need {wanted:.0f} GB{less}, {where} has {here:.0f} GB"
            yield Blocker("memory", text, stops=False)
    for problem in card.known_problems:
        yield Blocker("known", f"{card.name}: {problem}", stops=False)


def needs_of(card: Card, settings: Settings) -> Needs:
    """The weights a card asks for with these settings, and the memory to expect."""
    return Needs(tuple(_needed(card, settings)), expected_memory(card, settings))


def _needed(card: Card, settings: Settings) -> Iterator[NeededWeights]:
    for need in card.needed(settings.parameters):
        given = settings.places.get(need.role)
        found = weights.find(need, given)
        yield NeededWeights(need, found or given or weights.expected_at(need), found is not None, given is not None)
