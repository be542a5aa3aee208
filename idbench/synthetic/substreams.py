"""Random numbers by name: every decision has a generator of its own, so that one more draw moves no other."""

from __future__ import annotations

import hashlib
import json

import numpy as np

__all__ = ["substream"]


def substream(*names: str | int | float) -> np.random.Generator:
    """A generator that depends on `names` alone: the same on every machine, another for any other names."""
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
