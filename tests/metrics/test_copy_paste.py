"""Copy-paste: its range, its landmarks, its direction."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import between, seeds, vectors

from idbench import metrics


@given(vectors, vectors, vectors)
def test_copy_paste_lies_between_minus_one_and_one(g, t, r):
    value = metrics.copy_paste(g, t, r)
    assert math.isnan(value) or -1 <= value <= 1


@given(vectors, vectors, vectors, st.floats(0.1, 100))
def test_copy_paste_ignores_length_and_swaps_sign_with_roles(g, t, r, scale):
    value, swapped = metrics.copy_paste(g, t, r), metrics.copy_paste(g, r, t)
    if not math.isnan(value):
        assert value == pytest.approx(-swapped, abs=1e-9)
        assert metrics.copy_paste(scale * g, t, r) == pytest.approx(value, abs=1e-6)


@given(seeds)
def test_copy_paste_at_its_three_landmarks(seed):
    t, r = np.random.default_rng(seed).normal(size=(2, 64))
    assert metrics.copy_paste(t, t, r) == -1.0
    assert metrics.copy_paste(r, t, r) == 1.0
    assert metrics.copy_paste(between(t, r, 0.5), t, r) == pytest.approx(0, abs=1e-9)


@given(seeds)
def test_moving_towards_the_reference_raises_copy_paste(seed):
    g, t, r = np.random.default_rng(seed).normal(size=(3, 64))
    path = [metrics.copy_paste(between(g, r, share), t, r) for share in np.linspace(0.01, 1, 12)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(path))
    assert path[-1] == pytest.approx(1)


def test_one_photo_as_target_and_reference_is_undefined_never_zero():
    g, t = np.random.default_rng(0).normal(size=(2, 64))
    assert math.isnan(metrics.copy_paste(g, t, t))
    assert math.isnan(metrics.copy_paste(g, t, t + 1e-6))
    assert math.isnan(metrics.copy_paste(np.full(64, np.nan), t, g))
    assert math.isnan(metrics.copy_paste(np.zeros(64), t, g))


def test_copying_any_reference_is_copying():
    rng = np.random.default_rng(1)
    t, *references = rng.normal(size=(4, 64))
    for k in range(3):
        assert metrics.nearest_reference(references[k], references) == k
    with pytest.raises(ValueError, match="no usable reference"):
        metrics.nearest_reference(t, np.full((2, 64), np.nan))
