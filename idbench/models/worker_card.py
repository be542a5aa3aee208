"""`[worker]` of a card, and where the worker's environment is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from idbench.errors import ConfigError
from idbench.models.cards import Card, baselines_folder
from idbench.schema import Record, problem_of
from idbench.store import default_cache_dir

__all__ = ["PACKAGES", "Worker", "environment_folder", "worker_of"]

PACKAGES = "packages.txt"
"""File beside an environment that lists what was installed into it."""


class Worker(Record):
    """`[worker]` of a card: what is run, and in which environment."""

    script: str = Field("worker.py", description="file in the card's folder")
    command: tuple[str, ...] = Field((), description="what runs it, if not Python: such as node, worker.js")
    files: tuple[str, ...] = Field(
        (),
        description="files and folders that its images depend on, from the card's folder; empty: everything in it but "
        "caches, logs and environments",
    )
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
