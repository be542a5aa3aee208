"""Where links may lead: a file counts as inside a folder if it still does once every link is followed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["leads_inside", "roots_of"]

_CACHED = ("datasets--", "models--", "spaces--")
"""How folders of repositories begin in the Hugging Face hub's cache."""


def roots_of(folder: Path) -> tuple[Path, ...]:
    """Folders in which the files of `folder` may really lie: itself, and where it is a snapshot in the hub's cache, the
    folder of its repository, because a snapshot holds links to `../../blobs`."""
    real = folder.resolve()
    return (real, *(root for root in map(_repository, (folder.absolute(), real)) if root is not None))


def _repository(folder: Path) -> Path | None:
    """The repository's folder in the hub's cache, of `.../datasets--owner--name/snapshots/<revision>/...`."""
    for place in (folder, *folder.parents):
        if place.parent.name == "snapshots" and place.parent.parent.name.startswith(_CACHED):
            return place.parent.parent.resolve()
    return None


def leads_inside(path: Path, roots: Iterable[Path]) -> bool:
    """Whether `path`, links followed, lies under one of `roots`; a link to itself lies nowhere."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        return False
    return any(real.is_relative_to(root) for root in roots)
