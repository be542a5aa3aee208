"""Text files as programs write them: with a byte order mark, in UTF-16, or a link's path instead of its file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["RepeatedKeyError", "decode_text", "is_link_text", "lines_of", "parse_json"]

MAX_LINE = 64 << 20
MAX_UTF16 = 1 << 30
_LINK = re.compile(rb"\.{1,2}[/\\][^\s{}<>\"]{1,500}")


class RepeatedKeyError(ValueError):
    """A JSON object says one thing twice."""


def parse_json(text: str) -> Any:
    """What JSON says. Raises `RepeatedKeyError` where an object has a key twice, of which other readers silently take
    one, and `ValueError` for what is no JSON."""
    return json.loads(text, object_pairs_hook=_without_repeats)


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise RepeatedKeyError(f"the key '{twice}' is there twice; keep one")
    return found


def decode_text(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, or UTF-16. Raises `UnicodeDecodeError` for anything else."""
    return data.decode(_encoding(data))


def lines_of(path: Path) -> Iterator[bytes]:
    """A file's lines in UTF-8, one at a time, without byte order mark; only a file in UTF-16 is read at once.

    Raises `OSError`, also for a line of more than `MAX_LINE` bytes, and `UnicodeDecodeError` for damaged UTF-16.
    """
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if _encoding(head) != "utf-8-sig":
            yield from (
                line.encode() for line in decode_text(_limited(file.read(MAX_UTF16 + 1), MAX_UTF16)).split("\n")
            )
            return
        yield _limited(file.readline(MAX_LINE + 1), MAX_LINE).removeprefix(codecs.BOM_UTF8)
        while line := file.readline(MAX_LINE + 1):
            yield _limited(line, MAX_LINE)


def _limited(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise OSError(f"more than {limit >> 20} MiB in one piece")
    return data


def is_link_text(data: bytes) -> bool:
    """Whether a file holds nothing but a relative path: what becomes of a link where links cannot be stored."""
    return _LINK.fullmatch(data.strip()) is not None


def _encoding(head: bytes) -> str:
    """By the byte order mark; without one, by which byte of the first character is zero."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) > 1 and head[0] and not head[1]:
        return "utf-16-le"
    return "utf-16-be" if len(head) > 1 and not head[0] and head[1] else "utf-8-sig"
