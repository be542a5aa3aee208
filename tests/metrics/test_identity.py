"""Cosine and angle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import vectors

from idbench import metrics


@given(vectors, vectors)
def test_angle_agrees_with_arccos_of_cosine(a, b):
    cosine = metrics.cosine(a, b)
    if abs(cosine) < 0.999:
        assert metrics.angle(a, b) == pytest.approx(math.acos(cosine), abs=1e-9)


@given(vectors, st.floats(1e-9, 1e-3))
def test_angle_is_accurate_where_arccos_is_not(a, theta):
    a = metrics.unit(a)
    other = metrics.unit(np.roll(a, 1) + 0.3 * np.arange(16))
    sideways = metrics.unit(other - (other @ a) * a)
    assert metrics.angle(a, np.cos(theta) * a + np.sin(theta) * sideways) == pytest.approx(theta, rel=1e-6)


def test_vectors_of_different_length_are_an_error_not_a_number():
    with pytest.raises(ValueError, match="shapes"):
        metrics.cosine(np.ones(3), np.ones(4))
