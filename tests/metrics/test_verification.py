"""AUC, equal error rate and thresholds against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import seeds

from idbench import metrics


@given(seeds)
def test_auc_equals_counting_pairs(seed):
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.integers(0, 6, 12) / 5, rng.integers(0, 6, 15) / 5
    literal = np.mean([(g > i) + 0.5 * (g == i) for g in genuine for i in impostor])
    assert metrics.auc(genuine, impostor) == pytest.approx(literal)


def test_equal_error_rate_by_hand():
    assert metrics.equal_error_rate([0.8, 0.9], [0.1, 0.2]) == 0
    assert metrics.equal_error_rate([0.1, 0.9], [0.2, 0.8]) == pytest.approx(0.5)


@given(seeds, st.floats(0.001, 0.5))
def test_threshold_keeps_its_false_accept_rate_and_says_what_it_attains(seed, rate):
    impostor = np.random.default_rng(seed).normal(size=200).round(2)
    threshold, attained = metrics.threshold_at(impostor, rate)
    assert attained == pytest.approx((impostor >= threshold).mean())
    assert attained <= rate
    lower = impostor[impostor < threshold]
    if len(lower):
        assert (impostor >= lower.max()).mean() > rate
