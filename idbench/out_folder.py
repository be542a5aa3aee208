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
    unfinished : entries that may lie there before the record does, when the command was killed.
    surely : those of them that nobody else has: without any, the others are somebody's own.
    """

    what: str
    records: frozenset[str]
    unfinished: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset({".lock"})


RUN = FolderKind(
    "a run's",
    frozenset({"run.json"}),
    frozenset({".lock", ".lock.pid", ".work", "generations.jsonl", "images", "logs", "faces"}),
    frozenset({".lock", ".work", "generations.jsonl"}),
)
CALIBRATION = FolderKind(
    "a calibration's",
    frozenset({"calibration.json"}),
    frozenset(
        {".lock", ".lock.pid", ".work", "pictures", "generations.jsonl", "faces", "tables", "calibration.html"}
        | {"scores.parquet", "images.parquet", "suite.parquet"}
    ),
)
COMPARISON = FolderKind(
    "a comparison's",
    frozenset({"comparison.json"}),
    frozenset({"compared", "summary.json", "tables", "comparison.html"}),
    frozenset({"compared"}),
)
SUITE = FolderKind("this suite's", frozenset({"suite.json"}), surely=frozenset())

NAMED = {"run.json": "a run", "comparison.json": "a comparison", "calibration.json": "a calibration"}


def check_out(out: Path, kind: FolderKind, error: Callable[[str], Exception] = RunError) -> None:
    """Raises `error`, one line, if `out` holds what another command, or somebody, put there."""
    if out.exists() and not out.is_dir():
        raise error(f"{out} is no directory; choose another --out")
    found = _entries(out)
    for record in NAMED.keys() - kind.records:
        if record in found:
            raise error(f"{out} holds {NAMED[record]}, which would be overwritten; choose another --out")
    left_over = {name for name in found if name.startswith(".") and name.endswith(".tmp")}  # by a killed process
    begun = (kind.surely & found or left_over) and found - left_over <= kind.unfinished
    if found and not (kind.records & found or begun):
        raise error(
            f"{out}: expected a new or empty directory or {kind.what} own; found {_listed(found)}; choose another --out"
        )


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - IGNORED if folder.exists() else set()


def _listed(names: Iterable[str]) -> str:
    first, *more = sorted(names)
    others = [", ".join([first, *more[:2]])] + ([f"{len(more) - 2} more"] if len(more) > 2 else [])
    return " and ".join(others)


def check_apart(out: Path, inputs: Sequence[tuple[str, Path]]) -> None:
    """Raises `RunError` if `out` is a folder that is read, lies in one, or holds one.

    inputs : what the user calls each folder (such as `--suite`), and where it lies.
    """
    place = out.resolve()
    for called, folder in ((called, folder) for called, folder in inputs if folder.is_dir()):
        read = folder.resolve()
        if place == read or read in place.parents or place in read.parents:
            how = "is" if place == read else "lies in" if read in place.parents else "holds"
            raise RunError(
                f"--out {out} {how} the folder of {called}, {folder}, which is only read; choose another --out"
            )
