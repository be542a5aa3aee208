"""What a child process says of a job, taken for no more than what somebody else's program says."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from idbench.generate.task import Task
from idbench.images import MAX_BYTES
from idbench.records import Generation
from idbench.schema import one_line

__all__ = ["OUTCOMES", "image_at", "record_of"]

OUTCOMES = ("generated", "generation_failed", "refused")
"""What a process may say became of a job."""


def record_of(heard: dict[str, Any], task: Task, image: Path) -> Generation:
    """The record of an `outcome` message, with one of `OUTCOMES`; an image it claims must be the file `image`."""
    if heard["outcome"] != "generated":
        return task.failed(one_line(heard.get("error") or "no reason given"), heard, heard["outcome"])
    data = image_at(image)
    if data is None:
        return task.failed("the model says it made an image, but no regular file is where it was to be", heard)
    return task.generated(data, heard)


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
