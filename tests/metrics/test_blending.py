"""Identity blending against its literal definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import between, seeds

from idbench import metrics


@given(seeds, st.integers(2, 5))
def test_blending_equals_its_literal_definition(seed, n):
    g, t = np.random.default_rng(seed).normal(size=(2, n, 32))
    literal = np.mean([metrics.cosine(g[i], t[j]) for i in range(n) for j in range(n) if i != j])
    assert metrics.blending(g, t) == pytest.approx(literal)
    per_person = [metrics.person_blending(g[i], np.delete(t, i, axis=0)) for i in range(n)]
    assert np.mean(per_person) == pytest.approx(literal)


def test_mixing_two_people_raises_blending_and_one_person_has_none():
    t = np.random.default_rng(2).normal(size=(2, 64))
    mixed = [metrics.blending([between(t[0], t[1], s), between(t[1], t[0], s)], t) for s in (0.01, 0.2, 0.5)]
    assert mixed == sorted(mixed)
    assert mixed[0] < mixed[-1]
    assert math.isnan(metrics.blending(t[:1], t[:1]))
