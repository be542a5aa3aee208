"""Models in isolated environments: a worker script that another Python runs, described by a card.

`card.toml` has a `[worker]` table beside everything else; the protocol is described in docs/workers.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from idbench.errors import ConfigError, RunError
from idbench.kinds import ModelKind
from idbench.models import weights
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.cards import baselines_folder
from idbench.models.environments.environment import Environment
from idbench.models.launch import KEYS, LaunchSpec
from idbench.models.preflight import Blocker
from idbench.models.worker_card import PACKAGES, worker_of

__all__ = ["MODEL", "WorkerModel"]


CODE = (
    *(".py", ".pyx", ".sh", ".js", ".mjs", ".ts", ".pl", ".rb", ".lua", ".jl", ".c", ".cc", ".cpp", ".cu", ".h"),
    *(".rs", ".go", ".txt", ".toml", ".yaml", ".yml", ".json"),
)
"""Files beside the card that a worker's images depend on; others may be its caches."""


class WorkerModel(CardModel):
    """A model that another Python runs. It is never loaded here."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        self.worker = worker_of(self.card)
        self.environment = Environment(self.card, self.folder)
        self.script = self.folder / self.worker.script
        if not self.worker.command and not self.script.is_file():
            raise ConfigError(f"card '{self.card.name}': no worker at {self.script}")

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
        """As of every model with a card, and digests of every file beside the card."""
        about = {"command": list(self.worker.command), "python": self.worker.python, "files": dict(self._files())}
        about["protocol"] = weights.digest(baselines_folder() / "idbench_worker.py")
        if (packages := self.environment.root / PACKAGES).is_file():
            about["packages"] = weights.digest(packages)
        return super().describe() | {"worker": about, "revision": self.card.source.revision}

    def _files(self) -> Iterator[tuple[str, str]]:
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            name = file.relative_to(self.folder)
            if (
                file.suffix in CODE
                and name.name != "card.toml"
                and not any(part.startswith((".", "__pycache__")) for part in name.parts)
            ):
                yield name.as_posix(), weights.digest(file)

    def load(self, device: str, offload: str = "none") -> None:
        """Not here."""
        raise RunError(f"{self.card.name} is run by its worker")

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """Not here."""
        raise RunError(f"{self.card.name} is run by its worker")

    def close(self) -> None:
        """Nothing to give back."""


MODEL = ModelKind(open=WorkerModel, what="a program in an isolated environment, described by a card", listed=list)
