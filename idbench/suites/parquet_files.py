"""What the names of a suite's parquet files tell: shards that are missing, splits, files that are not read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["file_problems", "is_hidden"]

MAX_DEPTH = 3
"""Levels of folders at which parquet files are looked for."""

_SHARD = re.compile(r"(?P<name>.*?)[-_.]?(?P<number>\d{3,6})-of-(?P<count>\d{3,6})(?:-[0-9a-f]+)?", re.DOTALL)
_SPLIT = re.compile(r"(?P<split>[a-z]+)(?:[-_.]\d.*)?", re.IGNORECASE)
SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"})


def is_hidden(path: Path) -> bool:
    """Whether a path, or a folder in it, begins with a dot or is what macOS leaves in archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def file_problems(root: Path, read: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """File or folder -> what is to be said of it, of the parquet files `read` of a suite in `root`."""
    yield from _missing_shards(root, read)
    by_split: dict[str, Path] = {}
    for file in read:
        by_split.setdefault(_split_of(file.relative_to(root)), file)
    if len(by_split) > 1 and by_split.keys() - {""}:
        names = ", ".join(sorted(split or "others" for split in by_split))
        yield "parquet files", f"several splits are read together: {names}"
    others = [file for file in _all_parquet(root) if file not in set(read)]
    if others:
        where = read[0].parent.relative_to(root).as_posix()
        at = "the folder itself" if where == "." else f"{where}/"
        yield (
            others[0].relative_to(root).as_posix(),
            f"not read, because {at} holds parquet files ({len(others)} files left out)",
        )


def _missing_shards(root: Path, read: Sequence[Path]) -> Iterator[tuple[str, str]]:
    found: dict[tuple[Path, str, int], set[int]] = defaultdict(set)
    for file in read:
        if match := _SHARD.fullmatch(file.stem):
            found[file.parent, match["name"], int(match["count"])].add(int(match["number"]))
    for (folder, name, count), numbers in found.items():
        first = 1 if count in numbers else 0
        missing = sorted(set(range(first, min(count, 100_000) + first)) - numbers)
        if missing:
            shard = (folder / f"{name}-{missing[0]:05}-of-{count:05}.parquet").relative_to(root)
            yield shard.as_posix(), f"shards are missing, so that their cases are left out: {len(missing)} of {count}"


def _split_of(file: Path) -> str:
    """The split that a file's name, or a folder's, says it is of; "" where none does."""
    for part in (file.stem, *reversed(file.parts[:-1])):
        match = _SPLIT.fullmatch(part)
        if match and match["split"].lower() in SPLITS:
            return match["split"].lower()
    return ""


def _all_parquet(root: Path) -> list[Path]:
    """Parquet files down to `MAX_DEPTH`, sorted."""
    levels = (root.glob("/".join("*" * depth)) for depth in range(1, MAX_DEPTH + 1))
    found = (file for level in levels for file in level if file.suffix.lower() == ".parquet")
    return sorted(file for file in found if not is_hidden(file.relative_to(root)))
