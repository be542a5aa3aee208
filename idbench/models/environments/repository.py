"""The repository of a model at one commit: from its address, or from a clone, folder or archive on this machine."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from idbench.errors import ConfigError, MissingPackageError
from idbench.models.environments.setup_log import SetupLog
from idbench.store import disk_errors

__all__ = ["Repository"]

COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"


@dataclass(frozen=True)
class Repository:
    """Where a repository comes from.

    Parameters
    ----------
    address : what git clones.
    revision : the commit, whole.
    offline : a folder with `repository`, `repository.tar.gz` or `repository.zip`, used instead of the address.
    """

    address: str
    revision: str
    offline: Path | None = None

    def check(self, card: str) -> None:
        """Raises `ConfigError` or `MissingPackageError`, one line, if it cannot be had."""
        if not re.fullmatch(COMMIT, self.revision):
            raise ConfigError(
                f"card '{card}': the revision of a worker's repository must be a whole commit (40 hexadecimal "
                f"digits), found '{self.revision}'"
            )
        if self.offline is not None:
            _given_in(self.offline)

    def fetch(self, place: Path, log: SetupLog, say: Callable[[str], None]) -> Path:
        """Put the files into the empty folder `place`; returns the folder in or below it that holds them.

        `say` hears where the commit had to be taken on trust. Raises `MissingPackageError`, one line.
        """
        given = _given_in(self.offline) if self.offline else None
        if given is None:
            self._clone(self.address, place, log)
            return place
        if _is_git(given):
            self._clone(str(given), place, log)
            return place
        return self._copy(given, place, say)

    def _copy(self, given: Path, place: Path, say: Callable[[str], None]) -> Path:
        """From a working tree or an archive without history."""
        stated = ""
        if given.is_dir():
            with disk_errors(place):
                shutil.copytree(given, place, symlinks=True, dirs_exist_ok=True)
        else:
            stated = _unpack(given, place)
        _refuse_links_outside(place, given)
        if stated and stated != self.revision:
            raise MissingPackageError(f"{given} is at {stated}, the card asks for {self.revision}")
        if not stated:
            say(f"{given} does not say which commit it is; taken for {self.revision} as the card says")
        inner = list(place.iterdir())
        return inner[0] if not given.is_dir() and len(inner) == 1 and inner[0].is_dir() else place

    def _clone(self, address: str, place: Path, log: SetupLog) -> None:
        """Exactly one commit. Raises `MissingPackageError` if the repository does not have it."""
        offline = self.offline is not None
        what = f"fetching {address} at {self.revision[:12]}"
        filtered = [] if offline else ["--filter=blob:none"]
        log.run(what, ["git", "clone", "--quiet", "--no-checkout", *filtered, "--", address, str(place)], offline)
        log.run(what, ["git", "-C", str(place), "checkout", "--quiet", "--detach", self.revision], offline)
        if (place / ".gitmodules").is_file():
            if offline:
                raise MissingPackageError(
                    f"{address} has submodules; give its working tree without .git, submodules included"
                )
            log.run(what, ["git", "-C", str(place), "submodule", "update", "--quiet", "--init", "--recursive"])
        if (found := _head(place)) != self.revision:
            raise MissingPackageError(f"{address} gave commit {found}, expected {self.revision}")


def _given_in(offline: Path) -> Path:
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
    unpack = _unzip if archive.suffix == ".zip" else _untar
    try:
        stated = unpack(archive, place)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise MissingPackageError(f"{archive} cannot be unpacked: {error}") from error
    return stated if re.fullmatch(COMMIT, stated) else ""


def _unzip(archive: Path, place: Path) -> str:
    with zipfile.ZipFile(archive) as packed:
        for one in packed.infolist():
            path = PurePosixPath(one.filename)
            if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(one.external_attr >> 16):
                raise MissingPackageError(f"{archive}: '{one.filename[:80]}' is a link or leads outside")
        packed.extractall(place)
        return packed.comment.decode("ascii", "replace")


def _untar(archive: Path, place: Path) -> str:
    with tarfile.open(archive, "r:gz") as packed:
        plain_first = sorted(packed, key=lambda one: not (one.isreg() or one.isdir()))  # none through a link
        packed.extractall(place, plain_first, filter="data")
        return packed.pax_headers.get("comment", "")


def _refuse_links_outside(place: Path, given: Path) -> None:
    for path in place.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(place.resolve()):
            raise MissingPackageError(f"{given}: the link '{path.relative_to(place)}' leads outside")
