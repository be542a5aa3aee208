"""Models that need a world of their own: a worker script in its own environment, described by a card.

`card.toml` has a `[worker]` table beside everything else; the protocol is described in docs/workers.md.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from idbench.errors import ConfigError, RunError
from idbench.models import weights
from idbench.models.base import Generated, Job
from idbench.models.card_model import CardModel
from idbench.models.cards import Card, baselines_folder
from idbench.models.launch import KEYS, LaunchSpec
from idbench.schema import Record, problem_of
from idbench.store import default_cache_dir

__all__ = ["PACKAGES", "Worker", "WorkerModel", "environment_folder", "open_model", "worker_of"]


CODE = (
    *(".py", ".pyx", ".sh", ".js", ".mjs", ".ts", ".pl", ".rb", ".lua", ".jl", ".c", ".cc", ".cpp", ".cu", ".h"),
    *(".rs", ".go", ".txt", ".toml", ".yaml", ".yml", ".json"),
)
"""Files beside the card that a worker's images depend on; others may be its caches."""


PACKAGES = "packages.txt"
"""What pip installed into an environment, beside it."""


class Worker(Record):
    """`[worker]` of a card: what is run, and in which environment."""

    script: str = Field("worker.py", description="file in the card's folder")
    command: tuple[str, ...] = Field((), description="what runs it, if not Python: such as node, worker.js")
    python: str = Field("", description="version of Python its environment needs, such as 3.10; empty: this one's")
    requirements: str = Field("", description="file in the card's folder; empty: no virtual environment is needed")

    @model_validator(mode="after")
    def _fits(self) -> Worker:
        if self.python and not self.requirements:
            raise ValueError("python names the version of an environment, which needs requirements")
        return self


def worker_of(card: Card) -> Worker:
    """The worker of a card. Raises `ConfigError`, one line, if its `[worker]` is no valid one."""
    try:
        return Worker.model_validate(card.worker)
    except ValidationError as error:
        raise ConfigError(f"card '{card.name}', worker: {problem_of(error, Worker.model_fields)}") from error


def environment_folder(card: Card, folder: Path | None = None) -> Path:
    """Where `idbench models setup` puts a worker's environment: `venv`, and `repository` at the card's revision.

    folder : where the card lies; cards of equal names in other folders have environments of their own.
    """
    place = folder.absolute() if folder is not None else baselines_folder() / card.name
    own = "" if place.parent == baselines_folder() else f"-{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
    return default_cache_dir() / "environments" / f"{card.name}{own}"


class WorkerModel(CardModel):
    """A model that another Python runs. It is never loaded here."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        self.worker = worker_of(self.card)
        self.environment = environment_folder(self.card, self.folder)
        self.script = self.folder / self.worker.script
        if not self.worker.command and not self.script.is_file():
            raise ConfigError(f"card '{self.card.name}': no worker at {self.script}")

    def launch(self) -> LaunchSpec:
        """How its process is started."""
        places = {need.role: str(self.weights(need.role)) for need in self.card.needed(self.parameters)}
        hello = {"name": self.name, "parameters": dict(self.parameters), "weights": places}
        repository = self.environment / "repository"
        found = [str(baselines_folder()), *([str(repository)] if repository.is_dir() else [])]
        environment = {"PYTHONPATH": ":".join(found), "IDBENCH_REPOSITORY": str(repository)}
        python = self.environment / "venv" / "bin" / "python" if self.worker.requirements else sys.executable
        command = self.worker.command or (str(python), str(self.script))
        return LaunchSpec(hello, command, self.folder, environment, KEYS)

    def describe(self) -> dict[str, Any]:
        """As of every model with a card, and digests of every file beside the card."""
        about = {"command": list(self.worker.command), "python": self.worker.python, "files": dict(self._files())}
        about["protocol"] = weights.digest(baselines_folder() / "idbench_worker.py")
        if (packages := self.environment / PACKAGES).is_file():
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


def open_model(name: str, location: str, given: Mapping[str, str]) -> WorkerModel:
    """The model of a card in a folder, with the user's changes."""
    return WorkerModel(name, location, given)
