"""From what a user types to an opened suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from idbench import registry
from idbench.errors import SuiteError
from idbench.suites import folder, multiid_bench
from idbench.suites.base import Suite

__all__ = ["open_suite"]


def open_suite(suite: str | Path, subsets: Sequence[str] = ()) -> Suite:
    """A suite by name (`multiid-bench`), name and location (`folder:my/suite`), hub id, or plain path.

    Raises `SuiteError` if the path holds nothing a suite could be, `UnknownNameError` for a strange name.
    """
    spec, chosen = str(suite), tuple(subsets)
    if spec == multiid_bench.HUB_ID:
        return multiid_bench.open_suite("", chosen)
    path = Path(spec).expanduser()
    if path.exists() and (_holds_suite(path) or spec not in registry.suites.names()):
        return _open_path(path, chosen)
    name, _, location = spec.partition(":")
    if "/" in name or name.startswith("."):
        raise SuiteError(f"no suite at {spec}: the path does not exist")
    opened: Suite = registry.suites.get(name)(location, chosen)
    return opened


def _holds_suite(path: Path) -> bool:
    return folder.is_folder_suite(path) or bool(multiid_bench.find_parquet(path))


def _open_path(path: Path, subsets: tuple[str, ...]) -> Suite:
    if folder.is_folder_suite(path):
        return folder.open_suite(str(path), subsets)
    if multiid_bench.find_parquet(path):
        return multiid_bench.open_suite(str(path), subsets)
    raise SuiteError(
        f"no suite in {path}: expected cases.jsonl, case folders with meta.json, or parquet files (also in data/)"
    )
