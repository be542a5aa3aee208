"""Models in isolated environments: a worker script that another Python runs, described by a card.

`card.toml` has a `[worker]` table beside everything else; the protocol is described in docs/workers.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from idbench.errors import ConfigError, RunError
from idbench.kinds import ModelKind
from idbench.links import leads_inside, roots_of
from idbench.models import weights
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.cards import baselines_folder
from idbench.models.digests import digest_of_file, files_below, is_cache, named_files
from idbench.models.environments.environment import Environment
from idbench.models.launch import KEYS, LaunchSpec
from idbench.models.preflight import Blocker
from idbench.models.worker_card import PACKAGES, worker_of

__all__ = ["MODEL", "WorkerModel"]


class WorkerModel(CardModel):
    """A model that another Python runs. It is never loaded here."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        self.worker = worker_of(self.card)
        self.environment = Environment(self.card, self.folder)
        self.script = self.folder / self.worker.script
        self._check_places()

    def _check_places(self) -> None:
        """The script lies in the card's folder, and the files that the card lists exist."""
        if not self.worker.command and not self.script.is_file():
            raise ConfigError(f"card '{self.card.name}': no worker at {self.script}")
        if not self.worker.command and not leads_inside(self.script, roots_of(self.folder)):
            raise ConfigError(
                f"card '{self.card.name}': expected the script in the card's folder {self.folder}, found it at "
                f"{self.script.resolve()}; copy it into the folder"
            )
        for name in self.worker.files:
            if not (self.folder / name).exists():
                raise ConfigError(f"card '{self.card.name}': worker.files names '{name}', not found in {self.folder}")

    def launch(self) -> LaunchSpec:
        """How its process is started."""
        places = {need.role: str(self.weights(need.role)) for need in self.card.needed(self.parameters)}
        hello = {"name": self.name, "parameters": dict(self.parameters), "weights": places}
        root = self.environment.root
        repository = root / "repository"
        found = [str(baselines_folder()), *([str(repository)] if repository.is_dir() else [])]
        environment = {"PYTHONPATH": ":".join(found), "IDBENCH_REPOSITORY": str(repository)}
        python = root / "venv" / "bin" / "python" if self.worker.requirements else sys.executable
        command = self.worker.command or (str(python), str(self.script))
        return LaunchSpec(hello, command, self.folder, environment, KEYS)

    def blockers(self) -> Iterator[Blocker]:
        """An environment that is lacking or was made for another card, packages and weights."""
        if lacking := self.environment.lacking():
            why = "; ".join(lacking.values())
            place = f"{self.card.name} needs an isolated environment at {self.environment.root}"
            yield Blocker("environment", f"{place}: {why}; run '{self.environment.command}'")
        yield from super().blockers()

    def describe(self) -> dict[str, Any]:
        """As of every model with a card, and digests of every file that the worker's images depend on."""
        files = self._files()
        about: dict[str, Any] = {"command": list(self.worker.command), "python": self.worker.python}
        about["files"] = {name: digest_of_file(path) for name, path in files.items()}
        if self.worker.script != "worker.py":
            about["script"] = self.worker.script
        about["protocol"] = weights.digest(baselines_folder() / "idbench_worker.py")
        if self.worker.requirements and (packages := self.environment.root / PACKAGES).is_file():
            about["packages"] = weights.digest(packages)
        if edited := self.environment.edited():
            about["repository"] = edited
        return super().describe() | {"worker": about, "revision": self.card.source.revision}

    def _files(self) -> dict[str, Path]:
        """Files by name: those that the card lists, else everything in the card's folder but caches."""
        if not self.worker.files:
            found = files_below(self.folder, is_cache)
            return {name: path for name, path in found.items() if name != "card.toml"}
        found = {}
        for name in self.worker.files:
            place = self.folder / name
            if place.is_dir():
                found |= {f"{name}/{file}": path for file, path in files_below(place, is_cache).items()}
            else:
                found[name] = place
        return dict(sorted(found.items()))

    def _named(self) -> dict[str, Path]:
        """What its command line and parameters name, from the card's folder, where the worker is run; what `_files` has
        is not said twice."""
        known = {path.resolve() for path in self._files().values()}
        program = self.worker.command or (f"./{self.worker.script}",)
        named = named_files([*program, *self.parameters.values()], self.folder)
        own = self.folder.resolve() if not self.worker.files else None
        return {
            name: path
            for name, path in named.items()
            if path.resolve() not in known
            and not (own and path.is_dir() and path.resolve().is_relative_to(own) and not is_cache(path))
        }

    def load(self, device: str, offload: str = "none") -> None:
        """Not here."""
        raise RunError(f"{self.card.name} is run by its worker")

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """Not here."""
        raise RunError(f"{self.card.name} is run by its worker")

    def close(self) -> None:
        """Nothing to give back."""


MODEL = ModelKind(open=WorkerModel, what="a program in an isolated environment, described by a card", listed=list)
