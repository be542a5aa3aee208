"""Whether results may be written into a folder: it is new, empty, or was made by the same command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from idbench.errors import RunError

__all__ = ["CALIBRATION", "COMPARISON", "RUN", "SUITE", "FolderKind", "check_apart", "check_out"]

IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in a folder."""


@dataclass(frozen=True)
class FolderKind:
    """What one command writes.

    Parameters
    ----------
    what : in words.
    records : files of which any says that the folder is one of these.
    writes : names that the command writes there; files of other names may lie beside. None: nothing may.
    begun : names that nobody else has, by which a folder is known that a killed command left before its record.
    """

    what: str
    records: frozenset[str]
    writes: frozenset[str] | None
    begun: frozenset[str] = frozenset()


TABLES = frozenset({"scores.parquet", "images.parquet", "suite.parquet", "faces", "tables"})
RUN = FolderKind(
    "a run's",
    frozenset({"run.json"}),
    TABLES | {"generations.jsonl", "images", "logs", "thumbs", "summary.json", "verification.json", "report.html"},
    frozenset({".lock", ".work", "generations.jsonl"}),
)
CALIBRATION = FolderKind(
    "a calibration's",
    frozenset({"calibration.json"}),
    TABLES | {"generations.jsonl", "pictures", "calibration.html"},
    frozenset({".lock", ".work"}),
)
COMPARISON = FolderKind(
    "a comparison's",
    frozenset({"comparison.json"}),
    frozenset({"compared", "summary.json", "tables", "comparison.html"}),
    frozenset({"compared"}),
)
SUITE = FolderKind("this suite's", frozenset({"suite.json"}), None)

NAMED = {"run.json": "a run", "comparison.json": "a comparison", "calibration.json": "a calibration"}


def check_out(out: Path, kind: FolderKind, error: Callable[[str], Exception] = RunError) -> None:
    """Raises `error`, one line, if `out` holds what another command made, or files of names that this one writes."""
    if out.exists() and not out.is_dir():
        raise error(f"{out} is no directory; choose another --out")
    found = _entries(out)
    for record in NAMED.keys() - kind.records:
        if record in found:
            raise error(f"{out} holds {NAMED[record]}, which would be overwritten; choose another --out")
    in_the_way = found if kind.writes is None else found & kind.writes
    left_over = {name for name in found if name.startswith(".") and name.endswith(".tmp")}  # by a killed process
    if in_the_way and not (found & (kind.records | kind.begun) or left_over):
        raise error(
            f"{out}: expected a new or empty directory or {kind.what} own; found {_listed(in_the_way)}; choose another "
            "--out"
        )


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - IGNORED if folder.exists() else set()


def _listed(names: Iterable[str]) -> str:
    first, *more = sorted(names)
    others = [", ".join([first, *more[:2]])] + ([f"{len(more) - 2} more"] if len(more) > 2 else [])
    return " and ".join(others)


def check_apart(out: Path, inputs: Sequence[tuple[str, Path]]) -> None:
    """Raises `RunError` if `out` is a folder that is read.

    inputs : what the user calls each folder (such as `--suite`), and where it lies.
    """
    for called, folder in inputs:
        if folder.is_dir() and folder.resolve() == out.resolve():
            raise RunError(f"--out {out} is the folder of {called}, which is only read; choose another --out")
