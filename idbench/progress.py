"""How the stages of a run say how far they are, and what the user may not have meant."""

from __future__ import annotations

import warnings
from collections.abc import Callable

__all__ = ["Progress", "Warn", "as_python_warning", "silent"]

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how many steps are done, and how many there are."""

Warn = Callable[[str], None]
"""Called with one line about something the user may not have meant."""


def silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""


def as_python_warning(line: str) -> None:
    """For callers of the Python API."""
    warnings.warn(line, stacklevel=3)
