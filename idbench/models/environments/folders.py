"""Folders that are whole or absent, whatever kills their making."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from idbench.errors import MissingPackageError
from idbench.store import disk_errors

__all__ = ["build_beside"]


def build_beside(place: Path, build: Callable[[Path], Path]) -> None:
    """Build a folder beside `place`, which becomes a link to it when it is whole.

    `build` is given an empty folder and returns the one in or below it that `place` shall be. What a killed setup left
    goes first: should a child of it still be writing, it writes where nobody looks. Raises `MissingPackageError` if
    something that was not made here stands in the way.
    """
    if place.exists() and not place.is_symlink():
        raise MissingPackageError(f"{place} was not made by 'idbench models setup'; move it away and run again")
    with disk_errors(place):
        _remove_others(place, place.resolve() if place.is_symlink() else None)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        link = made / ".link"
        link.symlink_to(build(made).relative_to(place.parent))
        link.replace(place)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    _remove_others(place, made)


def _remove_others(place: Path, kept: Path | None) -> None:
    """Remove what was built for `place`, but for the folder that is or holds `kept`."""
    for left in place.parent.glob(f".{place.name}-*"):
        if kept is None or not kept.resolve().is_relative_to(left.resolve()):
            shutil.rmtree(left, ignore_errors=True)
