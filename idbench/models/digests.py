"""Digests of files and folders, whatever they hold: contents decide, never dates."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from idbench.errors import WeightsError
from idbench.platform import SYSTEM_FOLDERS
from idbench.store import default_cache_dir, write_bytes

__all__ = ["digest", "digest_of_file", "digest_of_files", "files_below", "is_cache", "is_hidden", "named_files"]

REMEMBERED = 1 << 20
"""Files of this many bytes and more are digested once; smaller ones are read every time."""

CACHES = ("__pycache__", "node_modules", "logs")
"""Names of folders of a program that say nothing about what it does."""

CACHE_SUFFIXES = (".pyc", ".pyo", ".log")

MARKS = ("pyvenv.cfg", "conda-meta", "generations.jsonl")
"""What lies in virtual environments and in directories of runs."""


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file. Of a large one it is remembered in the cache while its path, place on the disk, size and times
    of change stay. Raises `WeightsError`, one line, if it cannot be read."""
    try:
        status = path.stat()
        if status.st_size < REMEMBERED:
            return _read(path)
        times = f"{status.st_mtime_ns}\0{status.st_ctime_ns}"
        known = f"{path.resolve()}\0{status.st_dev}\0{status.st_ino}\0{status.st_size}\0{times}".encode()
        note = default_cache_dir() / "digests" / hashlib.sha256(known).hexdigest()
        with suppress(OSError):
            return note.read_text(encoding="ascii")
        found = _read(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error})") from error
    write_bytes(note, found.encode())
    return found


def _read(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_files(files: Mapping[str, Path]) -> str:
    """SHA-256 over names and contents."""
    whole = hashlib.sha256()
    for name, file in files.items():
        whole.update(f"{name}\0{digest_of_file(file)}\n".encode())
    return whole.hexdigest()


def digest(path: Path, left_out: Callable[[Path], bool]) -> str:
    """SHA-256 of a file, or of everything below a folder but for what is `left_out`."""
    return digest_of_files(files_below(path, left_out)) if path.is_dir() else digest_of_file(path)


def files_below(folder: Path, left_out: Callable[[Path], bool]) -> dict[str, Path]:
    """Every regular file below a folder by its name there, in one order, but for what is `left_out`.

    Links are followed, except back to a folder they lie in. Raises `WeightsError`, one line, for what cannot be read.
    """
    found = {path.relative_to(folder).as_posix(): path for path in _walk(folder, left_out, ())}
    return dict(sorted(found.items()))


def _walk(folder: Path, left_out: Callable[[Path], bool], above: tuple[Path, ...]) -> Iterator[Path]:
    try:
        here, entries = folder.resolve(), list(folder.iterdir())
    except OSError as error:
        raise WeightsError(f"{folder} cannot be read ({error.strerror or error})") from error
    if here in above:
        return
    for path in entries:
        if left_out(path):
            continue
        if path.is_dir():
            yield from _walk(path, left_out, (*above, here))
        elif path.is_file():
            yield path


def is_hidden(path: Path) -> bool:
    """Whether a name begins with a dot."""
    return path.name.startswith(".")


def is_cache(path: Path) -> bool:
    """Whether a file or folder beside a program is none of what its results depend on: hidden, compiled Python, a log,
    packages, a virtual environment, or the directory of a run."""
    if is_hidden(path):
        return True
    if not path.is_dir():
        return path.suffix in CACHE_SUFFIXES
    return path.name in CACHES or any((path / name).exists() for name in MARKS)


def named_files(texts: Iterable[object], base: Path) -> dict[str, Path]:
    """Files and folders that exist and are named in texts, such as `--weights=../w.bin`, by the name in the text.

    Relative names count from `base`. A folder that holds `base` or the user's home is no file of a program.
    """
    found = {}
    for text in texts:
        if not isinstance(text, str):
            continue
        for name in {text, text.partition("=")[2], *re.split(r"[\s=:,;'\"]+", text)}:
            if (path := _existing(name, base)) is not None:
                found[name] = path
    return dict(sorted(found.items()))


def _existing(name: str, base: Path) -> Path | None:
    if not {"/", ".", os.sep} & set(name):
        return None
    try:
        path = base / Path(name).expanduser()
        real = path.resolve(strict=True)
        holds_more = any(place.resolve().is_relative_to(real) for place in (base, Path.home()))
    except (OSError, RuntimeError, ValueError):  # absent, or no path at all
        return None
    if holds_more or real.as_posix().startswith(SYSTEM_FOLDERS) or not (real.is_dir() or real.is_file()):
        return None
    return path
