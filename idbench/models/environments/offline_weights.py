"""Weights from a folder on this machine, put where idbench looks for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from idbench.errors import WeightsError
from idbench.models import weights
from idbench.records.cards import Weights
from idbench.store import disk_errors

__all__ = ["place_weights"]

FIRST_READ = ("config.json", "model_index.json")
"""Files by which weights are known to be here; they are put in place last."""


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
