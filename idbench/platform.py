"""What differs between operating systems, in one place."""

from __future__ import annotations

import os

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))
