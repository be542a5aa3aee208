"""Until every test imports from `support`: the old names."""

from __future__ import annotations

from support.comparing import PLACES, assert_same_numbers, ledger, numbers, outcomes
from support.images import encoded, noise
from support.runs import (
    CHEAP,
    COMMAND,
    NOTE,
    error_line,
    flags,
    idbench,
    options,
    run_here,
    running_children,
    start,
)
from support.suites import real_cases, write_manifest, write_suite

__all__ = [
    "CHEAP", "COMMAND", "NOTE", "PLACES", "assert_same_numbers", "encoded", "error_line", "flags", "idbench", "ledger",
    "noise", "numbers", "options", "outcomes", "real_cases", "run_here", "running_children", "start", "write_manifest",
    "write_suite",
]  # fmt: skip
