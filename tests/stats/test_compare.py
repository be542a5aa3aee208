"""Paired comparison and ranks: error rates and directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import rng

from idbench import stats


def test_equal_models_are_called_different_at_the_nominal_rate():
    repeats, wrong, small, outside = 300, 0, 0, 0
    for seed in range(repeats):
        draw = rng(seed)
        values = draw.normal(size=(50, 1)) + draw.normal(size=(50, 2))
        one = stats.compare(values, ["a", "b"], np.arange(50), draw, 400)[0]
        wrong += one.different
        small += one.p < 0.05
        outside += one.low > 0 or one.high < 0
    assert 0.02 <= wrong / repeats <= 0.08
    assert 0.02 <= small / repeats <= 0.08
    assert 0.02 <= outside / repeats <= 0.09


@pytest.mark.parametrize("clusters", [2, 4, 8])
def test_few_clusters_never_split_equal_models_more_often_than_promised(clusters):
    split = sum(
        stats.compare(draw.normal(size=(clusters, 2)), ["a", "b"], np.arange(clusters), draw, 400)[0].different
        for draw in map(rng, range(200))
    )
    assert split / 200 <= 0.08


def test_a_leaderboard_of_equal_models_is_rarely_split_at_all():
    split = sum(
        any(
            pair.different
            for pair in stats.compare(draw.normal(size=(60, 6)), list("abcdef"), np.arange(60), draw, 300)
        )
        for draw in map(rng, range(100))
    )
    assert split / 100 <= 0.11


def test_a_real_difference_is_found_paired_though_unpaired_it_drowns():
    draw = rng(7)
    values = 5 * draw.normal(size=(60, 1)) + np.array([0.3, 0.0]) + 0.2 * draw.normal(size=(60, 2))
    one = stats.compare(values, ["better", "worse"], np.arange(60), draw)[0]
    assert one.different
    assert one.difference == pytest.approx(0.3, abs=0.1)
    assert one.p < 0.001
    alone = stats.estimate(values, np.arange(60), draw)
    assert alone[0].low < alone[1].high


def test_pairs_use_only_rows_that_both_models_have():
    values = np.array([[1.0, 0.0], [np.nan, 9.0], [1.0, 0.0], [2.0, np.nan]])
    one = stats.compare(values, ["a", "b"], np.arange(4), rng())[0]
    assert (one.difference, one.n, one.clusters) == (1.0, 2, 2)


def test_sign_flips_agree_with_all_flips_counted():
    gaps = np.array([0.5, -0.2, 0.9, 0.4, -0.1, 0.6])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    exact = np.mean(np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-12)
    one = stats.compare(np.stack([gaps, 0 * gaps], axis=1), ["a", "b"], np.arange(6), rng(), 40_000)[0]
    assert one.p == pytest.approx(exact, abs=0.01)


def step_down_by_definition(sums):
    """Adjusted p of every pair, written out as the sources word it: one pair after another, over all flips."""
    c, k = sums.shape
    length = np.sqrt((sums**2).sum(axis=0))
    signs = np.array(np.meshgrid(*[[-1, 1]] * c)).reshape(c, -1).T
    statistic = np.abs(signs @ sums) / length
    observed = np.abs(sums.sum(axis=0)) / length
    adjusted, running = {}, 0.0
    for pair in sorted(range(k), key=lambda j: -observed[j]):
        rest = [j for j in range(k) if observed[j] <= observed[pair]]
        running = max(running, np.mean(statistic[:, rest].max(axis=1) >= observed[pair] - 1e-9))
        adjusted[pair] = running
    return [adjusted[j] for j in range(k)]


@given(st.integers(2, 7), st.integers(1, 5), st.integers(0, 10_000))
def test_adjusted_p_by_their_definition(clusters, pairs, seed):
    sums = rng(seed).normal(size=(clusters, pairs)) + 0.5
    _, adjusted = stats.sign_flip_tests(sums, 10, rng())
    assert adjusted == pytest.approx(step_down_by_definition(sums))


@pytest.mark.parametrize("clusters", [12, 30, 100])
def test_clones_and_strangers_change_nobody_s_rank(clusters):
    draw = rng(clusters)
    base = draw.normal(0, 0.3, size=(clusters, 1))
    three = base + [0.6, 0.4, 0.2] + draw.normal(0, 0.05, size=(clusters, 3))
    clones = three[:, :1] + draw.normal(0, 0.02, size=(clusters, 30))
    erratic = base + draw.choice([-2.0, 2.0], size=(clusters, 2))

    def told_apart(values):
        names = [f"m{i}" for i in range(values.shape[1])]
        pairs = stats.compare(values, names, np.arange(clusters), rng(), 2000)
        return {(pair.a, pair.b) for pair in pairs if pair.different and {pair.a, pair.b} <= {"m0", "m1", "m2"}}

    assert len(told_apart(three)) == 3
    assert told_apart(np.hstack([three, clones])) == told_apart(three)
    assert told_apart(np.hstack([three, erratic])) == told_apart(three)


@pytest.mark.parametrize("models", [2, 5, 10])
def test_family_wise_error_is_what_was_promised(models):
    repeats = 300
    wrong = sum(
        any(
            pair.different
            for pair in stats.compare(draw.normal(size=(20, models)), list(range(models)), np.arange(20), draw, 300)
        )
        for draw in map(rng, range(repeats))
    )
    assert 0.02 <= wrong / repeats <= 0.085


def test_few_clusters_give_the_same_answer_for_any_seed_and_order():
    values = rng(3).normal(size=(12, 4)) + [0.5, 0.3, 0.0, 0.0]
    order = rng(4).permutation(12)
    first = stats.compare(values, list("abcd"), np.arange(12), rng(1), 100)
    second = stats.compare(values[order], list("abcd"), order, rng(2), 100)
    assert [(a.p, a.p_adjusted, a.different) for a in first] == [(b.p, b.p_adjusted, b.different) for b in second]


def test_ranks_are_shared_where_the_difference_includes_zero():
    def pair(a, b, low, high):
        return stats.Comparison(a, b, (low + high) / 2, low, high, None, None, None, 9, 9, low > 0 or high < 0)

    means = {"a": 0.9, "b": 0.88, "c": 0.5}
    pairs = [pair("a", "b", -0.01, 0.05), pair("a", "c", 0.3, 0.5), pair("b", "c", 0.3, 0.46)]
    assert stats.shared_ranks(means, pairs) == {"a": 1, "b": 1, "c": 3}
    assert stats.shared_ranks(means, pairs, "lower") == {"a": 2, "b": 2, "c": 1}
