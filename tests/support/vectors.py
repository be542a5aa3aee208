"""Embeddings made up, and strategies that make them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from idbench import metrics

vectors = hnp.arrays(np.float64, 16, elements=st.floats(-10, 10)).filter(lambda v: np.linalg.norm(v) > 1e-3)
seeds = st.integers(0, 2**32 - 1)


def between(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """The point at `share` of the great circle from a to b."""
    a, b = metrics.unit(a), metrics.unit(b)
    theta = metrics.angle(a, b)
    return (np.sin((1 - share) * theta) * a + np.sin(share * theta) * b) / np.sin(theta)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
