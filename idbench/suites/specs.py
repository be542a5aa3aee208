"""From what a user types to an opened suite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from idbench import registry
from idbench.errors import SuiteError
from idbench.kinds import SuiteKind
from idbench.suites.base import Suite

__all__ = ["open_suite"]


def open_suite(suite: str | Path, subsets: Sequence[str] = ()) -> Suite:
    """A suite by name (`multiid-bench`), name and location (`folder:my/suite`), hub id, or plain path.

    Raises `SuiteError` if the path holds nothing a suite could be, `UnknownNameError` for a strange name.
    """
    spec, chosen = str(suite), tuple(subsets)
    if (kind := _on_hub(spec)) is not None:
        return kind.open("", chosen)
    path = Path(spec).expanduser()
    if path.exists():
        if (kind := _holding(path)) is not None:
            return kind.open(str(path), chosen)
        if spec not in registry.suites.names():
            raise SuiteError(
                f"no suite in {path}: expected cases.jsonl, case folders with meta.json, or parquet files{_near(path)}"
            )
    name, _, location = spec.partition(":")
    if "/" in name or name.startswith("."):
        raise SuiteError(f"no suite at {spec}: the path does not exist")
    return registry.suites.get(name).open(location, chosen)


def _holding(path: Path) -> SuiteKind | None:
    """The kind of suite that a file or folder holds."""
    kinds = registry.suites.all().values()
    return next((kind for kind in kinds if kind.recognises is not None and kind.recognises(path)), None)


def _near(path: Path) -> str:
    """Where a suite lies close to a path that holds none, as the end of a sentence."""
    try:
        below = [folder for folder in sorted(path.iterdir())[:200] if folder.is_dir()] if path.is_dir() else []
    except OSError:
        below = []
    for place in (*below, *path.absolute().parents[:2]):
        if not place.name.startswith(".") and _holding(place) is not None:
            return f"; there is one in {place}"
    return ""


def _on_hub(spec: str) -> SuiteKind | None:
    """The kind of suite that lies on the hub under this id."""
    kinds = registry.suites.all().values() if re.fullmatch(r"[\w.-]+/[\w.-]+", spec) else ()
    return next((kind for kind in kinds if kind.download is not None and kind.download.hub_id == spec), None)
