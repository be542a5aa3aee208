"""What makes a virtual environment and installs packages into it: uv where it is present, else venv and pip.

`IDBENCH_INSTALLER=pip` or `=uv` chooses. uv is faster and brings versions of Python that the machine lacks; it does not
read pip's configuration, so an index of one's own is named by its variable UV_DEFAULT_INDEX too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from idbench.errors import ConfigError, MissingPackageError
from idbench.models.environments.setup_log import SetupLog

__all__ = ["Installer", "Pip", "Uv", "find_installer", "find_python"]

VARIABLE = "IDBENCH_INSTALLER"

SEED = ("pip", "setuptools<81")
"""What an environment of venv holds from the start: old packages import both without asking for them. Later setuptools
lack pkg_resources."""


@dataclass(frozen=True)
class Installer(ABC):
    """Makes virtual environments.

    Parameters
    ----------
    python : an interpreter, or a version of Python that the installer fetches.
    wheels : folder that all packages are taken from; None for the package index.
    """

    python: str
    wheels: Path | None = None

    @property
    def offline(self) -> bool:
        """Whether nothing may come from the network."""
        return self.wheels is not None

    @property
    def source(self) -> list[str]:
        """Options that say where packages come from."""
        return ["--no-index", "--find-links", str(self.wheels)] if self.wheels else []

    def install(self, requirements: Path, place: Path, log: SetupLog) -> bytes:
        """Make a virtual environment in the empty folder `place` with what a file of requirements asks for.

        Returns what was installed, one `name==version` a line. Raises `MissingPackageError`, one line.
        """
        for what, command in self._commands(requirements, place):
            log.run(what, command, self.offline)
        return subprocess.run(self._list(place), capture_output=True, check=True, cwd=place).stdout

    @property
    @abstractmethod
    def about(self) -> str:
        """What the user is told before it begins."""

    @abstractmethod
    def _commands(self, requirements: Path, place: Path) -> list[tuple[str, list[str]]]:
        """What is run, in order, and what it does in words."""

    @abstractmethod
    def _list(self, place: Path) -> list[str]:
        """The command that lists what is installed."""


@dataclass(frozen=True)
class Pip(Installer):
    """Python's own venv, and the pip in it."""

    @property
    def about(self) -> str:
        """What the user is told before it begins."""
        return "by pip"

    def _commands(self, requirements: Path, place: Path) -> list[tuple[str, list[str]]]:
        install = [*_pip(place), "install", "--disable-pip-version-check", "--no-input"]
        return [
            ("making the virtual environment", [self.python, "-I", "-m", "venv", str(place)]),
            ("installing the requirements", [*install, *self.source, "-r", str(requirements)]),
        ]

    def _list(self, place: Path) -> list[str]:
        return [*_pip(place), "freeze"]


def _pip(place: Path) -> list[str]:
    return [str(place / "bin" / "python"), "-m", "pip"]


@dataclass(frozen=True)
class Uv(Installer):
    """uv. `fetches_python`: whether it brings the version of Python along."""

    uv: str = "uv"
    fetches_python: bool = False

    @property
    def about(self) -> str:
        """What the user is told before it begins."""
        python = f", Python {self.python} with it from python-build-standalone" if self.fetches_python else ""
        return f"by uv{python}"

    def _commands(self, requirements: Path, place: Path) -> list[tuple[str, list[str]]]:
        downloads = [] if self.fetches_python else ["--no-python-downloads"]
        create = [self.uv, "venv", "--no-project", "--allow-existing", *downloads, "--python", self.python, str(place)]
        install = [self.uv, "pip", "install", "--python", str(place / "bin" / "python")]
        return [
            ("making the virtual environment", create),
            *([] if self.offline else [("installing pip and setuptools", [*install, *SEED])]),
            ("installing the requirements", [*install, *self.source, "-r", str(requirements)]),
        ]

    def _list(self, place: Path) -> list[str]:
        return [self.uv, "pip", "freeze", "--python", str(place / "bin" / "python")]


def find_installer(version: str, model: str, offline: Path | None = None) -> Installer:
    """What makes an environment for a version of Python such as 3.10; empty: this one's.

    offline : folder whose `wheels` are all there is.

    Raises `ConfigError` or `MissingPackageError`, one line, if there is no such Python, or no uv though it was chosen.
    """
    wheels = offline.absolute() / "wheels" if offline else None
    uv = _chosen_uv()
    try:
        python = find_python(version, model)
    except MissingPackageError:
        if uv is None:
            raise
        managed = _python_of_uv(uv, version)
        if managed is None and wheels is not None:
            raise
        return Uv(managed or version, wheels, uv, fetches_python=managed is None)
    return Pip(str(python), wheels) if uv is None else Uv(str(python), wheels, uv)


def _chosen_uv() -> str | None:
    """uv's program; None where pip is to be used."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen not in ("", "pip", "uv"):
        raise ConfigError(f"{VARIABLE}: expected pip or uv, found '{chosen}'")
    beside = str(Path(sys.executable).parent)
    found = None if chosen == "pip" else shutil.which("uv", path=os.pathsep.join([beside, *os.get_exec_path()]))
    if chosen == "uv" and found is None:
        raise MissingPackageError(f"{VARIABLE} is uv, which is not installed: pip install uv")
    return found


def _python_of_uv(uv: str, version: str) -> str | None:
    """An interpreter that uv installed before; nothing is fetched."""
    asked = [uv, "python", "find", "--no-python-downloads", "--no-project", version]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None


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
        f"{model} needs Python {version}, and no python{short} on PATH runs; install uv, which fetches "
        f"it, or put it on PATH, venv included (Debian: python{short}-venv; 'pyenv install {version}', conda)"
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
