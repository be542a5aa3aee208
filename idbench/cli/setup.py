"""models setup: the isolated environment of a model's worker."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.output import progress

if TYPE_CHECKING:
    from idbench.models.cards import Card
    from idbench.models.environments.environment import Environment
    from idbench.models.environments.installer import Installer
    from idbench.models.preflight import NeededWeights

__all__ = ["setup"]


def setup(
    name: Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")],
    offline: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Take all from disk: FOLDER/repository (or .tar.gz, .zip), FOLDER/wheels, FOLDER/weights/<hub id>.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make the environment that a model's worker runs in, after saying what, from where, where to and how much.

    A virtual environment with the card's requirements, the model's repository at the card's commit, and the
    weights. Stopped or changed, the same command goes on with what is missing.
    """
    from idbench.cli.models import fetch_weights, needed_weights, open_named
    from idbench.errors import ConfigError
    from idbench.models import weights
    from idbench.models.environments.offline_weights import place_weights

    model = open_named(name)
    environment = model.environment
    if environment is None:
        typer.echo(f"{name} needs no isolated environment; 'idbench models fetch {name}' has its weights", err=True)
        return
    if offline is not None and not offline.is_dir():
        raise ConfigError(f"--offline {offline}: no such folder")
    installer = environment.check(offline)
    needed = needed_weights(model)
    if not environment.lacking() and all(weights.is_whole(need.what) for need in needed):
        typer.echo(f"{name}: everything is here", err=True)
    else:
        typer.echo("\n".join(_plan(environment, installer, needed, offline)), err=True)
        yes = yes or typer.confirm("Set up?", abort=True, err=True)
        with progress() as callback:
            environment.make(offline, callback, lambda line: typer.echo(line, err=True))
        if offline is None:
            fetch_weights(needed, environment.card.name, yes)
        else:
            for need in needed:
                typer.echo(place_weights(need.what, environment.card.name, offline), err=True)
    print(environment.root)


def _plan(
    environment: Environment, installer: Installer | None, needed: tuple[NeededWeights, ...], offline: Path | None
) -> Iterator[str]:
    """What a setup would make, from where, where to, how much."""
    from idbench.models import weights

    card, lacking = environment.card, environment.lacking()
    yield f"{card.title}: {card.summary}"
    for step in environment.wanted:
        place = environment.root / step
        if step not in lacking:
            yield f"  {step:<12} here, {place}"
        elif installer is not None and step == "venv":
            yield f"  {step:<12} {_packages(environment, installer, offline)}; to {place}"
        else:
            yield f"  {step:<12} {_repository(card, offline)}; to {place}"
    for need in needed:
        yield f"  {'weights':<12} {_weights(need, offline)}"
    fetched = sum(need.what.gigabytes for need in needed if not weights.is_whole(need.what))
    place = next(p for p in [environment.root, *environment.root.parents] if p.exists())
    free = shutil.disk_usage(place).free / 1e9
    yield f"  {'in all':<12} {fetched:g} GB of weights besides code and packages; {free:,.0f} GB are free there"


def _repository(card: Card, offline: Path | None) -> str:
    source = offline / "repository" if offline else card.source.repository
    return f"{source} @ {card.source.revision[:12]}, {card.licence.code}"


def _packages(environment: Environment, installer: Installer, offline: Path | None) -> str:
    elsewhere = "".join("; also code from " + line for line in environment.addresses)
    source = offline / "wheels" if offline else f"the package index, licences and sizes as there{elsewhere}"
    python = environment.python or "as here"
    return f"{environment.requirements} for Python {python}, {installer.about}, from {source}"


def _weights(need: NeededWeights, offline: Path | None) -> str:
    from idbench.models import weights

    what, here = need.what, weights.is_whole(need.what)
    source = offline / "weights" if offline else "the hub"
    state = f"here, {weights.find(what)}" if here else f"from {source}; to {weights.expected_at(what)}"
    gate = ", gated" if what.gated and not here else ""
    return f"{what.role}: {what.hub or what.file}, about {what.gigabytes:g} GB{gate}, {what.licence}; {state}"
