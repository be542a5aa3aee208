"""Models that need a world of their own: a worker script in its own environment, described by a card.

`card.toml` has a `[worker]` table beside everything else; the protocol is described in docs/workers.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from idbench.errors import ConfigError, RunError, WeightsError
from idbench.faces.runtime import file_digest
from idbench.models.base import Generated, Job
from idbench.models.carded import CardModel
from idbench.models.cards import Card, baselines_folder
from idbench.models.processes import Launch
from idbench.records import Record, problem_of
from idbench.store import default_cache_dir

__all__ = ["Worker", "WorkerModel", "environment_folder", "open_model", "worker_of"]


KEYS = ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class Worker(Record):
    """`[worker]` of a card: what is run, and in which environment."""

    script: str = Field("worker.py", description="file in the card's folder")
    python: str = Field("", description="version of Python its environment needs, such as 3.10; empty: this one's")
    requirements: str = Field("", description="file in the card's folder; empty: the worker needs no environment")


def worker_of(card: Card) -> Worker:
    """The worker of a card. Raises `ConfigError`, one line, if its `[worker]` is no valid one."""
    try:
        return Worker.model_validate(card.worker)
    except ValidationError as error:
        raise ConfigError(f"card '{card.name}', worker: {problem_of(error, Worker.model_fields)}") from error


def environment_folder(card: Card) -> Path:
    """Where `idbench models setup` puts a worker's environment: `venv`, and `repository` at the card's revision."""
    return default_cache_dir() / "environments" / card.name


class WorkerModel(CardModel):
    """A model that another Python runs. It is never loaded here."""

    def __init__(self, name: str, location: str, given: Mapping[str, str]) -> None:
        super().__init__(name, location, given)
        self.worker = worker_of(self.card)
        self.script = Path(location).absolute() / self.worker.script
        if not self.script.is_file():
            raise ConfigError(f"card '{self.card.name}': no worker at {self.script}")

    def python(self) -> Path:
        """The interpreter. Raises `WeightsError`, one line, if its environment is not set up."""
        if not self.worker.requirements:
            return Path(sys.executable)
        found = environment_folder(self.card) / "venv" / "bin" / "python"
        if not found.exists():
            raise WeightsError(
                f"{self.card.name} needs an environment of its own, expected at {found.parents[1]}; "
                f"run 'idbench models setup {self.card.name}'"
            )
        return found

    def launch(self) -> Launch:
        """How its process is started."""
        places = {need.role: str(self.weights(need.role)) for need in self.card.needed(self.parameters)}
        hello = {"name": self.name, "parameters": dict(self.parameters), "weights": places}
        repository = environment_folder(self.card) / "repository"
        found = [str(baselines_folder()), *([str(repository)] if repository.is_dir() else [])]
        environment = {"PYTHONPATH": ":".join(found), "IDBENCH_REPOSITORY": str(repository)}
        command = (str(self.python()), str(self.script))
        return Launch(hello, command, self.script.parent, environment, KEYS)

    def describe(self) -> dict[str, Any]:
        """As of every model with a card, and digests of what the worker is."""
        files = [self.script, *([self.script.parent / self.worker.requirements] if self.worker.requirements else [])]
        worker = {file.name: file_digest(file) for file in files}
        return super().describe() | {"worker": worker, "revision": self.card.source.revision}

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
