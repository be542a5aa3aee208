"""Atomic writes, run-directory locks, and the content-addressed cache.

Nothing half-written is ever read: every file is written under a temporary name on the same file system
and renamed. The temporary name says which process writes, so that what a killed one leaves can be told from what
another is about to finish. Cache entries are named by a SHA-256 over everything they depend on, so concurrent runs
can share a cache without a lock: two writers of one name write the same content.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.errors import RunError, StorageError
from idbench.platform import LockHeldError, file_lock, is_writer_gone, writer_mark

__all__ = [
    "Cache",
    "atomic_path",
    "default_cache_dir",
    "disk_errors",
    "exclusive_lock",
    "key_of",
    "remove_left_over",
    "write_bytes",
    "write_json",
]

Arrays = dict[str, npt.NDArray[Any]]

_TEMPORARY = re.compile(r"\..*\.(?P<writer>[0-9a-f]{8}-[0-9]+)\.[0-9a-f]{8}\.tmp", re.DOTALL)
"""Names of files that are being written."""


def default_cache_dir() -> Path:
    """`$IDBENCH_CACHE`, else `$XDG_CACHE_HOME/idbench`, else `~/.cache/idbench`."""
    if chosen := os.environ.get("IDBENCH_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "idbench"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a refused write into one line that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"no space left on the disk while writing {path}; free some and run the same command again"
            ) from error
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def atomic_path(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends without an error.

    It lies beside `path`, or in `folder`, which must be on the same file system. Permissions are those of any new file:
    the umask or the folder says who may read and write.
    """
    folder = folder or path.parent
    temporary = folder / f".{path.name[:40]}.{writer_mark()}.{secrets.token_hex(4)}.tmp"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            temporary.open("xb").close()
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_left_over(folder: Path) -> None:
    """Delete what killed processes were writing below `folder` (links are not followed); of others that write there,
    nothing. What cannot be deleted stays: it is never read."""
    for place, _, names in os.walk(folder):
        for name in names:
            if found := _TEMPORARY.fullmatch(name):
                path = Path(place, name)
                with suppress(OSError):
                    if is_writer_gone(found["writer"], path.stat().st_mtime):
                        path.unlink()


def write_bytes(path: Path, data: bytes, folder: Path | None = None) -> None:
    """Write a file so that a reader sees the old one or the new one, nothing between; `folder` as in `atomic_path`."""
    with atomic_path(path, folder) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, readable and stable; NaN is refused."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


@contextmanager
def exclusive_lock(directory: Path) -> Iterator[None]:
    """Hold `directory` for this process; the lock goes with the process, however it ends.

    What killed processes were writing there is deleted. Raises `RunError` if another process holds it.
    """
    with ExitStack() as held:
        try:
            with disk_errors(directory):
                directory.mkdir(parents=True, exist_ok=True)
            with disk_errors(directory / ".lock"):
                held.enter_context(file_lock(directory / ".lock"))
        except LockHeldError as holder:
            raise RunError(
                f"{directory} is in use by another idbench run (process {holder}); wait for it or choose another --out"
            ) from holder
        remove_left_over(directory)
        yield


def key_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON-serialisable mapping, independent of key order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Cache:
    """A folder of array bundles, each named by what it was computed from.

    Entries hold boxes, landmarks, small luma crops and embeddings of faces: biometric data. They stay
    on this machine; `idbench cache clear` deletes them all.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_cache_dir()) / "faces"
        self.suites = (root or default_cache_dir()) / "suites"
        self._being_written = self.root / ".writing"
        remove_left_over(self._being_written)

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.npz"

    def load(self, key: str, *names: str) -> Arrays | None:
        """The arrays `names` stored under `key`, or None if there is no such bundle or it is damaged."""
        try:
            with np.load(self._path(key), allow_pickle=False) as bundle:
                return {name: bundle[name] for name in names}
        except FileNotFoundError:
            return None
        except Exception:  # a damaged zip raises many kinds of error; the entry is computed again
            return None

    def save(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Store a bundle; raises `StorageError` if the disk refuses it."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_bytes(self._path(key), buffer.getvalue(), self._being_written)

    def info(self) -> dict[str, Any]:
        """Where the cache lies, how many entries it has, and their total size in bytes; likewise of rendered suites."""
        sizes = [entry.stat().st_size for entry in self.root.rglob("*.npz")] if self.root.exists() else []
        rendered = [entry.stat().st_size for entry in self.suites.rglob("*.png")] if self.suites.exists() else []
        return {
            "path": str(self.root),
            "entries": len(sizes),
            "bytes": sum(sizes),
            "rendered_photos": len(rendered),
            "rendered_bytes": sum(rendered),
        }

    def clear(self) -> int:
        """Delete every entry and every rendered suite; returns how many entries there were."""
        count = int(self.info()["entries"])
        for folder in (self.root, self.suites):
            with suppress(FileNotFoundError, NotADirectoryError):
                shutil.rmtree(folder)
        return count
