"""Bootstrap means and intervals: literal definitions and coverage."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from support.vectors import rng

from idbench import stats


def test_a_resample_is_the_mean_of_the_drawn_clusters_rows():
    values = rng().normal(size=(30, 2))
    values[3, 1] = np.nan
    clusters = rng(1).integers(0, 7, 30)
    sums, counts = stats.cluster_sums(values, clusters)
    found = stats.resampled_means(sums, counts, 50, rng(5))
    drawn = rng(5).integers(0, 7, size=(50, 7), dtype=np.int32)
    for row, picks in zip(found, drawn, strict=True):
        pooled = np.concatenate([values[clusters == pick] for pick in picks])
        assert row == pytest.approx(np.nanmean(pooled, axis=0))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_agree_with_scipy(method):
    values = rng(3).exponential(size=60)
    ours = stats.estimate(values[:, None], np.arange(60), rng(1), 40_000, method=method)[0]
    name = "BCa" if method == "bca" else "percentile"
    theirs = bootstrap((values,), np.mean, n_resamples=40_000, method=name, rng=rng(2)).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_intervals_cover_the_truth_and_only_clusters_make_them_wide_enough():
    """40 clusters of 4 rows that share a cluster effect; the truth is 0."""
    covered = covered_without = 0
    repeats = 400
    for seed in range(repeats):
        draw = rng(seed)
        groups = np.repeat(np.arange(40), 4)
        values = (draw.normal(size=40)[groups] + 0.5 * draw.normal(size=160))[:, None]
        a = stats.estimate(values, groups, draw, 500)[0]
        b = stats.estimate(values, np.arange(160), draw, 500)[0]
        covered += a.low <= 0 <= a.high
        covered_without += b.low <= 0 <= b.high
    assert 0.90 <= covered / repeats <= 0.98
    assert covered_without / repeats < 0.80


def test_one_cluster_gives_no_interval_and_nothing_gives_no_mean():
    one = stats.estimate(np.ones((5, 1)), ["a"] * 5, rng())[0]
    assert (one.mean, one.low, one.high, one.n, one.clusters) == (1.0, None, None, 5, 1)
    none = stats.estimate(np.full((5, 1), np.nan), list("abcde"), rng())[0]
    assert (none.mean, none.low, none.n) == (None, None, 0)
    assert stats.estimate(np.empty((0, 2)), [], rng())[1].mean is None


@given(st.permutations(range(12)))
def test_row_order_changes_nothing(order):
    values, groups = rng(4).normal(size=(12, 1)), np.array(list("aabbccddeeff"))
    straight = stats.estimate(values, groups, rng(), 200)
    shuffled = stats.estimate(values[list(order)], groups[list(order)], rng(), 200)
    assert asdict(straight[0]) == pytest.approx(asdict(shuffled[0]))
