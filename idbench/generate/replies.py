"""What a child process says of a job, taken for no more than what somebody else's program says."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbench.images import MAX_BYTES
from idbench.schema import Box
from idbench.suites.base import parse_boxes

__all__ = ["OUTCOMES", "Reply", "facts_of", "image_at", "plain"]

OUTCOMES = ("generated", "generation_failed", "refused")

LARGEST = 1 << 62
"""No number a process tells is as large."""


@dataclass(frozen=True)
class Reply:
    """What became of a task. `again` says that it was never tried, because the model did not run at all."""

    outcome: str
    error: str | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    batch: int | None = None
    offload: str | None = None
    boxes: tuple[Box, ...] | None = None
    cost: float | None = None
    version: str | None = None
    again: bool = False


def facts_of(heard: Mapping[str, Any], people: int) -> dict[str, Any]:
    """The facts of an outcome that are of the type and range they should have; others are left out."""
    facts: dict[str, Any] = {}
    for name, kinds in (("seconds", (int, float)), ("cost", (int, float)), ("peak_memory", (int,)), ("batch", (int,))):
        value: Any = heard.get(name)
        if type(value) in kinds and 0 <= value < LARGEST and math.isfinite(value):
            facts[name] = value
    for name in ("offload", "version"):
        if isinstance(heard.get(name), str):
            facts[name] = plain(heard[name], 100)
    try:
        facts["boxes"] = tuple(parse_boxes(heard.get("boxes"), people) or ()) or None
    except ValueError:
        facts["boxes"] = None
    return facts


def plain(text: Any, length: int = 300) -> str:
    """One line of text that can be written anywhere: no half surrogate pairs, which file names may bring."""
    return " ".join(str(text).encode("utf-8", "replace").decode().split())[:length]


def image_at(path: Path) -> bytes | None:
    """What a process wrote at `path`: the bytes of a regular file, read once; None if there is no such file.

    A link is not followed and a pipe not waited for; what the process writes afterwards changes nothing.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= MAX_BYTES:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()
