"""Files of a directory that anybody may have made, a run that somebody handed in, say.

Only regular files are read, which lie inside the directory once every link is followed, up to a size: a pipe or a
device cannot keep the reader waiting, and nothing from elsewhere comes into a report.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from idbench.errors import RunError
from idbench.links import leads_inside, roots_of
from idbench.schema import Record, problem_of
from idbench.text_files import decode_text

__all__ = ["MAX_JSON", "check_leads_inside", "open_inside", "read_inside", "read_record"]

MAX_JSON = 64 << 20
"""Bytes of the largest record that is read."""

R = TypeVar("R", bound=Record)

_KINDS = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def check_leads_inside(root: Path, relative: str) -> Path:
    """The path of `relative` in `root`, whether something is there or not.

    Raises `RunError` if it is, or passes through, a link that leads outside.
    """
    path = root / relative
    if not leads_inside(path, roots_of(root)):
        raise RunError(f"{path} leads outside {root}, probably by a link; only files inside a run are read and written")
    return path


def open_inside(root: Path, relative: str, max_bytes: int) -> BinaryIO:
    """A file of `root`, open for reading.

    Raises `FileNotFoundError` where there is none, and `RunError` where it may not or cannot be read: a link that
    leads outside, no regular file, more than `max_bytes`.
    """
    path = check_leads_inside(root, relative)
    try:
        real = path.resolve()
        _check_regular(path, real.lstat(), max_bytes)
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        file = os.fdopen(descriptor, "rb")
        try:
            _check_regular(path, os.fstat(descriptor), max_bytes)  # it may have been replaced since it was looked at
        except RunError:
            file.close()
            raise
        return file
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error


def _check_regular(path: Path, found: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise RunError(f"{path}: expected a file, found a {kind}")
    if found.st_size > max_bytes:
        raise RunError(f"{path} has {found.st_size:,} bytes, and at most {max_bytes:,} are read")


def read_inside(root: Path, relative: str, max_bytes: int) -> bytes:
    """A file of `root`. Raises as `open_inside` does."""
    with open_inside(root, relative, max_bytes) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise RunError(f"{root / relative} has more than {max_bytes:,} bytes")
    return data


def read_record(run: Path, name: str, kind: type[R]) -> R:
    """A record that lies in `run` as JSON; numbers must be numbers, and finite.

    Raises `RunError` in one line if it is missing, damaged, or of another version.
    """
    try:
        text = decode_text(read_inside(run, name, MAX_JSON)).encode()
        json.dumps(from_json(text, allow_inf_nan=False), allow_nan=False)  # 1e999 is infinite too
        return kind.model_validate_json(text, strict=True)
    except FileNotFoundError as error:
        raise RunError(f"{run} is not a finished run: it has no {name}") from error
    except ValidationError as error:
        problem = problem_of(error, kind.model_fields)
        raise RunError(
            f"{run} was not finished by this version of idbench ({name}: {problem}); run it again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{run / name} cannot be read: {error}") from error
