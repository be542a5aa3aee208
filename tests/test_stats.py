"""Uncertainty and comparison: literal definitions, coverage, error rates, directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from idbench import stats


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


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
    assert straight[0].as_dict() == pytest.approx(shuffled[0].as_dict())


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_by_its_definition(p_values):
    adjusted = stats.holm(p_values)
    order = sorted(range(len(p_values)), key=lambda i: (p_values[i], i))
    running = 0.0
    for step, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[i]))
        assert adjusted[i] == pytest.approx(running)


def test_ranks_are_shared_where_the_difference_includes_zero():
    def pair(a, b, low, high):
        return stats.Comparison(a, b, (low + high) / 2, low, high, None, None, None, 9, 9, low > 0 or high < 0)

    means = {"a": 0.9, "b": 0.88, "c": 0.5}
    pairs = [pair("a", "b", -0.01, 0.05), pair("a", "c", 0.3, 0.5), pair("b", "c", 0.3, 0.46)]
    assert stats.shared_ranks(means, pairs) == {"a": 1, "b": 1, "c": 3}
    assert stats.shared_ranks(means, pairs, "lower") == {"a": 2, "b": 2, "c": 1}


def test_natural_band_and_verification_on_people_who_are_easy_to_tell_apart():
    draw = rng(8)
    people = draw.normal(size=(40, 64))
    targets, references = (people + 0.3 * draw.normal(size=people.shape) for _ in range(2))
    judged = stats.verification(targets, references, np.arange(40), 0.01)
    assert judged.auc == 1
    assert judged.equal_error_rate == 0
    assert judged.true_accept_rate == 1
    assert judged.impostor == 40 * 39
    assert judged.attained <= 0.01
    assert judged.resolution == pytest.approx(1 / (40 * 39))
    band = stats.natural_band([0.5, 0.6, 0.7, math.nan])
    assert (band.median, band.n) == (0.6, 3)
    assert stats.natural_band([math.nan]) is None


def test_pairs_of_one_identity_in_two_cases_are_no_impostors():
    same = np.tile(rng(9).normal(size=64), (3, 1))
    other = same + 0.1 * rng(10).normal(size=same.shape)
    assert stats.verification(same, other, ["x", "x", "x"]) is None
    judged = stats.verification(same, other, ["x", "x", "y"])
    assert (judged.genuine, judged.impostor) == (3, 4)


def test_an_unlabelled_person_in_two_slots_does_not_pass_for_an_impostor():
    draw = rng(10)
    people = draw.normal(size=(30, 64))
    people[29] = people[0]
    targets, references = (people + 0.3 * draw.normal(size=people.shape) for _ in range(2))
    blind = stats.verification(targets, references, np.arange(30), 0.001)
    aware = stats.verification(targets, references, np.arange(30), 0.001, labelled=False)
    assert aware.left_out == 2
    assert aware.impostor == blind.impostor - 2
    assert aware.threshold < blind.threshold - 0.3
    assert aware.auc == 1 > blind.auc


def test_leaving_out_lookalikes_hardly_flatters_a_judge_who_is_any_good():
    """All people are distinct, but the suite does not say so."""
    draw = rng(11)
    people = draw.normal(size=(300, 64))
    targets, references = (people + 0.9 * draw.normal(size=people.shape) for _ in range(2))
    known = stats.verification(targets, references, np.arange(300))
    unknown = stats.verification(targets, references, np.arange(300), labelled=False)
    assert unknown.auc_all == known.auc
    assert unknown.auc == pytest.approx(known.auc, abs=0.003)
    assert unknown.left_out < 0.02 * known.impostor


def test_one_photo_as_target_and_reference_is_no_natural_variation():
    assert stats.natural_band([0.5, 0.6, 0.7, 1.0, 1 - 1e-9]).n == 3


def test_pareto_front_hypervolume_and_line_by_hand():
    x, y = [0.2, 0.5, 0.4, 0.6], [0.1, 0.3, 0.4, 0.3]
    assert stats.pareto_front(x, y) == [0, 3]
    assert stats.hypervolume(x, y) == pytest.approx(0.2 * 0.9 + 0.4 * 0.7)
    assert stats.hypervolume([-0.1], [0.5]) == 0
    on_line = stats.line_distances([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.0])
    assert on_line[3] == pytest.approx(-0.4 / math.sqrt(2))
    assert np.isnan(stats.line_distances([0.1, 0.2, 0.3], [0, 0, 0])).all()
