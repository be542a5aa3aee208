"""Environments of models that are run by workers: a virtual environment, and the model's repository at one commit.

`environment_folder(card)` holds `venv`, `repository`, `setup.json` (what both were made for) and `setup.log` (what
git and pip said). Each step is built in a folder of its own, and takes its place only when it is whole: whatever
kills a setup, the next one goes on with the steps that are missing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from idbench.errors import ConfigError, MissingPackageError, WeightsError
from idbench.faces.runtime import file_digest
from idbench.models import weights
from idbench.models.cards import Card, baselines_folder
from idbench.models.launch import KEYS
from idbench.models.worker import PACKAGES, environment_folder, worker_of
from idbench.records.cards import Weights
from idbench.store import disk_errors, exclusive_lock, write_bytes, write_json

__all__ = ["Environment", "find_python", "place_weights"]

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

NOWHERE = "http://127.0.0.1:9"
"""A proxy that is none: what asks for the network although it was told not to does not get there."""

FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "GIT_DIR", "GIT_WORK_TREE")
"""Variables of the caller that would lead pip or git elsewhere."""

STAGES = {"repository": "repository", "venv": "Python and packages"}
"""What steps are called while they are made."""

COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"

FIRST_READ = ("config.json", "model_index.json")
"""Files by which weights are known to be here; they are put in place last."""


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
        """What git and pip said last."""
        return self.root / "setup.log"

    @property
    def command(self) -> str:
        """What a user types to have it made."""
        shipped = self._folder is None or self._folder.parent == baselines_folder()
        return f"idbench models setup {self.card.name if shipped else self._folder}"

    @property
    def requirements(self) -> Path | None:
        """The file pip is given; None if the worker needs no environment, or nobody knows where its card lies."""
        name = worker_of(self.card).requirements
        return self._folder / name if name and self._folder else None

    @property
    def addresses(self) -> list[str]:
        """Lines of the requirements that are addresses, which pip takes code from besides its index."""
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

    def refuse_impossible(self, offline: Path | None) -> None:
        """Raises `ConfigError` or `MissingPackageError`, one line, if what is lacking cannot be made here."""
        worker, name, lacking = worker_of(self.card), self.card.name, self.lacking()
        if "repository" in lacking and not re.fullmatch(COMMIT, self.card.source.revision):
            raise ConfigError(
                f"card '{name}': the revision of a worker's repository must be a whole commit (40 hexadecimal "
                f"digits), found '{self.card.source.revision}'"
            )
        if "repository" in lacking and offline is not None:
            _given_repository(offline)
        if "venv" in lacking:
            if self.requirements is None or not self.requirements.is_file():
                raise ConfigError(f"card '{name}': no requirements at {self.requirements}")
            find_python(worker.python, name)

    def make(self, offline: Path | None, progress: Progress, say: Say) -> None:
        """Make what is lacking; complete steps are kept.

        offline : a folder with `repository` and `wheels`, instead of the network. `say` hears what a user must know.

        Raises `MissingPackageError`, one line: the step that failed, the last thing it said, and its log.
        """
        with exclusive_lock(self.root):
            self.refuse_impossible(offline)
            lacking = self.lacking()
            if lacking:
                self.log.unlink(missing_ok=True)
            if "repository" in lacking:
                with self._step("repository", progress):
                    _replace(self.root / "repository", lambda place: self._repository(place, offline, say))
            if "venv" in lacking:
                with self._step("venv", progress):
                    _replace(self.root / "venv", lambda place: self._venv(place, offline))

    @contextmanager
    def _step(self, step: str, progress: Progress) -> Iterator[None]:
        """Not made until it is made."""
        wanted = self.wanted[step]
        progress(STAGES[step], 0, 1)
        yield
        self._stamp(step, wanted)
        progress(STAGES[step], 1, 1)

    def _repository(self, place: Path, offline: Path | None, say: Say) -> Path:
        """The repository's files, in or below `place`."""
        revision = self.card.source.revision
        given = _given_repository(offline) if offline else None
        if given is None or _is_git(given):
            self._clone(str(given or self.card.source.repository), revision, place, offline is not None)
            return place
        stated = ""
        if given.is_dir():
            with disk_errors(place):
                shutil.copytree(given, place, symlinks=True, dirs_exist_ok=True)
        else:
            stated = _unpack(given, place)
        _refuse_links_outside(place, given)
        if stated and stated != revision:
            raise MissingPackageError(f"{given} is at {stated}, the card asks for {revision}")
        if not stated:
            say(f"{given} does not say which commit it is; taken for {revision} as the card says")
        inner = list(place.iterdir())
        return inner[0] if not given.is_dir() and len(inner) == 1 and inner[0].is_dir() else place

    def _clone(self, address: str, revision: str, place: Path, offline: bool) -> None:
        """Exactly one commit. Raises `MissingPackageError` if the repository does not have it."""
        what = f"fetching {address} at {revision[:12]}"
        filtered = [] if offline else ["--filter=blob:none"]
        self._run(what, ["git", "clone", "--quiet", "--no-checkout", *filtered, "--", address, str(place)], offline)
        self._run(what, ["git", "-C", str(place), "checkout", "--quiet", "--detach", revision], offline)
        if (place / ".gitmodules").is_file():
            if offline:
                raise MissingPackageError(
                    f"{address} has submodules; give its working tree without .git, submodules included"
                )
            self._run(what, ["git", "-C", str(place), "submodule", "update", "--quiet", "--init", "--recursive"])
        if (found := _head(place)) != revision:
            raise MissingPackageError(f"{address} gave commit {found}, expected {revision}")

    def _venv(self, place: Path, offline: Path | None) -> Path:
        python = find_python(worker_of(self.card).python, self.card.name)
        self._run("making the virtual environment", [str(python), "-I", "-m", "venv", str(place)], True)
        assert self.requirements is not None
        source = ["--no-index", "--find-links", str(offline.absolute() / "wheels")] if offline else []
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        self._run("installing the requirements", [*pip, *source, "-r", str(self.requirements)], offline is not None)
        listed = subprocess.run([*pip[:3], "freeze"], capture_output=True, check=True, cwd=place)
        write_bytes(self.root / PACKAGES, listed.stdout)
        return place

    def _run(self, what: str, command: list[str], offline: bool = False) -> None:
        """Run one command, its output to the log. Raises `MissingPackageError`, one line, if it fails."""
        environment = {key: value for key, value in os.environ.items() if key not in (*FOREIGN, *KEYS)}
        environment |= {"GIT_TERMINAL_PROMPT": "0"}
        if offline:
            proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE) | {"no_proxy": ""}
            environment |= proxies | {name.upper(): value for name, value in proxies.items()}
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                    cwd=self._folder, check=False,
                )  # fmt: skip
            except OSError as error:
                raise MissingPackageError(f"{what} needs {command[0]}, which does not run: {error.strerror}") from error
        if done.returncode:
            raise MissingPackageError(f"{self.card.name}: {what} failed: {_last_line(self.log)}; see {self.log}")

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

    def _stamp(self, step: str, wanted: Mapping[str, str] | None) -> None:
        """Write down that a step is whole, or no longer is."""
        made: dict[str, Any] = {key: value for key, value in self._made.items() if key != step}
        made |= {"card": {"folder": str(self._folder)}} | ({step: dict(wanted)} if wanted else {})
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


def find_python(version: str, model: str) -> Path:
    """An interpreter of a version such as 3.10: this one if it fits, else the first on PATH that runs.

    Raises `ConfigError` or `MissingPackageError`, one line, that says what to install.
    """
    if not version:
        return Path(sys.executable)
    if not re.fullmatch(r"3\.\d+(\.\d+)?", version):
        raise ConfigError(f"card '{model}': expected a version of Python such as 3.10, found '{version}'")
    short = ".".join(version.split(".")[:2])
    places = [Path(folder) / f"python{short}" for folder in os.get_exec_path()]
    for python in [Path(sys.executable), *places]:
        if f"{_version(python)}.".startswith(f"{version}."):
            return python
    raise MissingPackageError(
        f"{model} needs Python {version}, and no python{short} on PATH runs; install it with venv (Debian: "
        f"python{short}-venv; 'uv python install {version}', 'pyenv install {version}', conda) and put it on PATH"
    )


def _version(python: Path) -> str:
    """Which version an interpreter says it is; nothing if it does not run, as shims of pyenv may not."""
    if not python.is_file():
        return ""
    try:
        asked = [str(python), "-I", "-c", "import platform; print(platform.python_version())"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _replace(place: Path, build: Callable[[Path], Path]) -> None:
    """Build a folder beside `place`, which becomes a link to it when it is whole.

    What a killed setup left goes first: should a child of it still be writing, it writes where nobody looks.
    Raises `MissingPackageError` if something that was not made here stands in the way.
    """
    if place.exists() and not place.is_symlink():
        raise MissingPackageError(f"{place} was not made by 'idbench models setup'; move it away and run again")
    with disk_errors(place):
        old = place.resolve() if place.is_symlink() else None
        for left in place.parent.glob(f".{place.name}-*"):
            if old is None or not old.is_relative_to(left.resolve()):
                shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        link = made / ".link"
        link.symlink_to(build(made).relative_to(place.parent))
        link.replace(place)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    for left in place.parent.glob(f".{place.name}-*"):
        if left != made:
            shutil.rmtree(left, ignore_errors=True)


def _given_repository(offline: Path) -> Path:
    names = ("repository", "repository.tar.gz", "repository.zip")
    found = next((offline.absolute() / name for name in names if (offline / name).exists()), None)
    if found is None:
        raise MissingPackageError(f"expected {' or '.join(names)} in {offline}, found none")
    return found


def _is_git(place: Path) -> bool:
    """Whether a folder is a clone, with or without a working tree."""
    return (place / ".git").exists() or ((place / "HEAD").is_file() and (place / "objects").is_dir())


def _head(place: Path) -> str:
    asked = ["git", "-C", str(place), "rev-parse", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _unpack(archive: Path, place: Path) -> str:
    """Unpack a .tar.gz or .zip; returns the commit it says it is of, as GitHub and `git archive` write it.

    Raises `MissingPackageError`, one line, for an archive that is damaged or holds anything that leads outside.
    """
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                for one in packed.infolist():
                    path = PurePosixPath(one.filename)
                    if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(one.external_attr >> 16):
                        raise MissingPackageError(f"{archive}: '{one.filename[:80]}' is a link or leads outside")
                packed.extractall(place)
                stated = packed.comment.decode("ascii", "replace")
        else:
            with tarfile.open(archive, "r:gz") as tarred:
                plain_first = sorted(tarred, key=lambda one: not (one.isreg() or one.isdir()))  # none through a link
                tarred.extractall(place, plain_first, filter="data")
                stated = tarred.pax_headers.get("comment", "")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise MissingPackageError(f"{archive} cannot be unpacked: {error}") from error
    return stated if re.fullmatch(COMMIT, stated) else ""


def _refuse_links_outside(place: Path, given: Path) -> None:
    for path in place.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(place.resolve()):
            raise MissingPackageError(f"{given}: the link '{path.relative_to(place)}' leads outside")


def _last_line(log: Path) -> str:
    """The last thing a child said."""
    said = log.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()
    return next((line.strip()[:200] for line in reversed(said) if line.strip()), "nothing was said")


def place_weights(need: Weights, model: str, offline: Path) -> str:
    """Put weights from `offline/weights/<hub id>` where idbench looks; says which, and how.

    Files are hard links where the disk allows it, else copies. Those that are there already are kept, and the one
    by which weights are known to be here comes last. Raises `WeightsError`, one line, if they are not there or not
    whole.
    """
    place = weights.expected_at(need)
    if weights.is_whole(need):
        return f"{need.role}: here, {weights.find(need)}"
    source = offline.absolute() / "weights" / (need.hub or need.file)
    if need.form == "file" or (need.form == "pack" and (source / need.file).is_dir()):
        source = source / need.file
    if not source.exists():
        raise WeightsError(f"{model}: no weights '{need.role}' at {source}")
    linked = [_link(file, place / file.relative_to(source)) for file in _files(source)]
    weights.usable(need, model)
    return f"{need.role}: {'linked' if all(linked) else 'copied'} from {source} to {place}"


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        return iter([source])
    found = [p for p in source.rglob("*") if p.is_file() and not p.relative_to(source).parts[0].startswith(".")]
    return iter(sorted(found, key=lambda p: (p.parent == source and p.name in FIRST_READ, p)))


def _link(file: Path, target: Path) -> bool:
    """A file in its place, whole or not at all; whether it is a link."""
    file = file.resolve()
    if target.is_file() and (target.samefile(file) or target.stat().st_size == file.stat().st_size):
        return target.samefile(file)
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            part.hardlink_to(file)
            linked = True
        except OSError:  # another disk, or one without links
            shutil.copyfile(file, part)
            linked = False
        part.replace(target)
    return linked
