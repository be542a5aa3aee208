"""Which cases a gallery shows, and how large, the same for whoever makes its thumbnails and whoever lays it out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["LONGEST_SIDE", "choose_cases"]

LONGEST_SIDE = 320
"""Pixels of a thumbnail, at most."""


def choose_cases(case_ids: Sequence[str], maximum: int) -> list[str]:
    """At most `maximum` cases, sorted; chosen by a hash of their ids: the same for every model, nobody's pick."""
    if len(case_ids) <= maximum:
        return sorted(case_ids)
    by_hash = sorted(case_ids, key=lambda case_id: hashlib.sha256(case_id.encode()).hexdigest())
    return sorted(by_hash[:maximum])
