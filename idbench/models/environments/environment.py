"""Isolated environments of workers: what a card asks for, what of it is here, and making what is lacking.

`environment_folder(card)` holds `venv`, `repository`, `repository.json` (digests of its files as fetched), `setup.json`
(what both were made for) and `setup.log` (what git and the installer printed). Each step is built in a folder of its
own, and takes its place only when it is whole: whatever kills a setup, the next one goes on with the steps that are
missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbench.errors import ConfigError
from idbench.faces.runtime import file_digest
from idbench.models.cards import Card, baselines_folder
from idbench.models.digests import digest_of_file, files_below, is_cache
from idbench.models.environments.folders import build_beside
from idbench.models.environments.installer import Installer, find_installer
from idbench.models.environments.repository import Repository
from idbench.models.environments.setup_log import SetupLog
from idbench.models.worker_card import PACKAGES, environment_folder, worker_of
from idbench.store import exclusive_lock, write_bytes, write_json

__all__ = ["Environment"]

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

FETCHED = "repository.json"
"""File beside a repository with the digest of each of its files as they were fetched."""

STAGES = {"repository": "repository", "venv": "Python and packages"}
"""What steps are called while they are made."""


@dataclass(frozen=True)
class Environment:
    """What a worker's card asks for, and what of it is on this machine.

    card : a card of kind `worker`. folder : where the card lies; None: where it lay when the environment was made.
    """

    card: Card
    folder: Path | None = None

    @property
    def root(self) -> Path:
        """The environment's folder."""
        return environment_folder(self.card, self.folder)

    @property
    def log(self) -> Path:
        """What git and the installer printed last."""
        return self.root / "setup.log"

    @property
    def command(self) -> str:
        """What a user types to have it made."""
        shipped = self._folder is None or self._folder.parent == baselines_folder()
        return f"idbench models setup {self.card.name if shipped else self._folder}"

    @property
    def python(self) -> str:
        """The version of Python it needs, such as 3.10; empty for this one's."""
        return worker_of(self.card).python

    @property
    def requirements(self) -> Path | None:
        """The file of requirements; None if the worker needs no environment, or nobody knows where its card lies."""
        name = worker_of(self.card).requirements
        return self._folder / name if name and self._folder else None

    @property
    def addresses(self) -> list[str]:
        """Lines of the requirements that are addresses, from which code comes besides the package index."""
        asked = self.requirements
        lines = asked.read_text(encoding="utf-8", errors="replace").splitlines() if asked and asked.is_file() else []
        return [line.strip() for line in lines if "://" in line and not line.strip().startswith("#")]

    @property
    def wanted(self) -> dict[str, dict[str, str]]:
        """The steps that make it, in order, and what each depends on; none if the worker needs no environment."""
        worker, source = worker_of(self.card), self.card.source
        steps = {}
        if source.repository and source.revision:
            steps["repository"] = {"revision": source.revision}
        if not worker.requirements:
            return steps
        asked = self.requirements
        digest = file_digest(asked) if asked and asked.is_file() else ""
        return steps | {"venv": {"python": worker.python, "requirements": digest}}

    def lacking(self) -> dict[str, str]:
        """Steps that are missing or were made for something else, and why, in words; nothing is run."""
        why = {}
        for step, wanted in self.wanted.items():
            made = self._made.get(step)
            if made is None or not self._is_there(step):
                why[step] = "no virtual environment" if step == "venv" else f"no repository at {wanted['revision']}"
            elif step == "repository" and (found := self._head() or made.get("revision")) != wanted["revision"]:
                why[step] = f"the repository is at {found}, expected {wanted['revision']}"
            elif made != wanted:
                what = "requirements" if made.get("python") == wanted["python"] else "version of Python"
                why[step] = f"the {what} changed since it was made"
        return why

    def edited(self) -> dict[str, str]:
        """Files of the repository that are no longer what was fetched, with their digests now, "" for none."""
        try:
            fetched = json.loads((self.root / FETCHED).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # made by an earlier version
            return {}
        now = self._repository_digests()
        return {name: now.get(name, "") for name, digest in fetched.items() if now.get(name) != digest}

    def _repository_digests(self) -> dict[str, str]:
        place = self.root / "repository"
        files = files_below(place, is_cache) if place.is_dir() else {}
        return {name: digest_of_file(path) for name, path in files.items()}

    def check(self, offline: Path | None) -> Installer | None:
        """What will install the packages, where they are lacking.

        Raises `ConfigError` or `MissingPackageError`, one line, if what is lacking cannot be made here.
        """
        name, lacking = self.card.name, self.lacking()
        if "repository" in lacking:
            self._repository(offline).check(name)
        if "venv" not in lacking:
            return None
        if self.requirements is None or not self.requirements.is_file():
            raise ConfigError(f"card '{name}': no requirements at {self.requirements}")
        return find_installer(self.python, name, offline)

    def make(self, offline: Path | None, progress: Progress, say: Say) -> None:
        """Make what is lacking; complete steps are kept.

        offline : a folder with `repository` and `wheels`, instead of the network. `say` hears what a user must know.

        Raises `MissingPackageError`, one line: the step that failed, its last line of output, and its log.
        """
        with exclusive_lock(self.root):
            installer = self.check(offline)
            lacking = self.lacking()
            if lacking:
                self.log.unlink(missing_ok=True)
            log = SetupLog(self.log, self.card.name, self._folder)
            if "repository" in lacking:
                with self._step("repository", progress):
                    source = self._repository(offline)
                    build_beside(self.root / "repository", lambda place: source.fetch(place, log, say))
                    write_json(self.root / FETCHED, self._repository_digests())
            if installer is not None:
                with self._step("venv", progress):
                    build_beside(self.root / "venv", lambda place: self._install(installer, place, log))

    def _repository(self, offline: Path | None) -> Repository:
        return Repository(self.card.source.repository, self.card.source.revision, offline)

    def _install(self, installer: Installer, place: Path, log: SetupLog) -> Path:
        assert self.requirements is not None
        write_bytes(self.root / PACKAGES, installer.install(self.requirements, place, log))
        return place

    @contextmanager
    def _step(self, step: str, progress: Progress) -> Iterator[None]:
        """Not made until it is made."""
        wanted = self.wanted[step]
        progress(STAGES[step], 0, 1)
        yield
        self._stamp(step, wanted)
        progress(STAGES[step], 1, 1)

    @property
    def _folder(self) -> Path | None:
        if self.folder is not None:
            return self.folder.absolute()
        place = self._made.get("card", {}).get("folder")
        return Path(place) if place else None

    @property
    def _made(self) -> dict[str, dict[str, str]]:
        """What `setup.json` says; nothing if it says nothing sensible."""
        try:
            made = json.loads((self.root / "setup.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return made if isinstance(made, dict) and all(isinstance(one, dict) for one in made.values()) else {}

    def _stamp(self, step: str, wanted: Mapping[str, str]) -> None:
        """Write down that a step is whole."""
        made: dict[str, Any] = {key: value for key, value in self._made.items() if key != step}
        made |= {"card": {"folder": str(self._folder)}, step: dict(wanted)}
        write_json(self.root / "setup.json", made)

    def _is_there(self, step: str) -> bool:
        place = self.root / step
        return (place / "bin" / "python").exists() if step == "venv" else place.is_dir()

    def _head(self) -> str:
        """The commit the repository is at, where it is a clone."""
        try:
            return (self.root / "repository" / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""
