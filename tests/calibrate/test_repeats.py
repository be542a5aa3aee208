"""Repeated experiments: coverage, false alarms and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from idbench.calibrate import repeats
from idbench.calibrate.repeats import Pool, coverage, false_alarms, pool_of, power
from idbench.calibrate.verdicts import covers, nominal
from idbench.stats import Estimate, compare


def pool(columns: int, clusters: int = 60, shift: float = 0.0, seed: int = 0) -> Pool:
    """Clusters of one to three rows that share something, models that share the case."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, clusters)
    shared = np.repeat(rng.gamma(2.0, 0.2, clusters), sizes)[:, None]
    values = shared + 0.3 * rng.standard_normal((sizes.sum(), columns)) + shift * np.arange(columns)
    rows = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    return Pool(tuple("abc"[:columns]), values, tuple(rows))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_of_the_instrument_cover(method):
    rate = coverage(pool(1), 60, method, 500, np.random.default_rng(1))
    assert covers(rate).passed, rate


def test_intervals_that_are_too_narrow_are_found_out(monkeypatch):
    honest = repeats.estimate

    def narrow(*given, **how):
        return [
            Estimate(e.mean, e.mean - (e.mean - e.low) / 2, e.mean + (e.high - e.mean) / 2, e.n, e.clusters)
            for e in honest(*given, **how)
        ]

    monkeypatch.setattr(repeats, "estimate", narrow)
    rate = coverage(pool(1), 60, "percentile", 300, np.random.default_rng(1))
    assert rate.share < 0.8 and not covers(rate).passed


def test_clusters_taken_for_cases_are_found_out(monkeypatch):
    """Rows of one cluster are alike: an interval that resamples rows is too narrow."""
    honest = repeats.estimate
    monkeypatch.setattr(repeats, "estimate", lambda v, c, *rest, **how: honest(v, np.arange(len(v)), *rest, **how))
    strong = pool(1)
    strong = Pool(
        strong.models, np.concatenate([np.full((len(rows), 1), rows[0] % 7.0) for rows in strong.rows]), strong.rows
    )
    assert not covers(coverage(strong, 60, "percentile", 300, np.random.default_rng(1))).passed


def test_equal_models_are_called_different_at_the_nominal_rate_even_if_the_pool_prefers_one():
    preferring = pool(2, shift=0.15)
    assert compare(preferring.scores, ["a", "b"], np.arange(len(preferring.scores)), np.random.default_rng(0))[
        0
    ].different
    rate = false_alarms(preferring, 60, 600, np.random.default_rng(2))
    assert nominal(rate).passed, rate


def test_power_grows_with_the_difference_and_with_the_clusters():
    def share(fault: float, clusters: int) -> float:
        return power(rivals(fault), clusters, 80, np.random.default_rng(3)).share

    assert share(0.05, 50) < share(0.1, 50) < share(0.2, 50)
    assert share(0.1, 12) < share(0.1, 50) < share(0.1, 100)


def rivals(fault: float, luck: float = 0.0) -> Pool:
    """A model, its equal that was lucky, and one with the same luck and a fault."""
    equal = pool(3)
    return Pool(equal.models, equal.scores + [0.0, luck, luck + fault], equal.rows)


def test_power_speaks_of_the_fault_and_not_of_luck():
    assert power(rivals(0.0, luck=0.3), 50, 80, np.random.default_rng(3)).share < 0.2
    plain = power(rivals(0.1), 50, 80, np.random.default_rng(3)).share
    assert power(rivals(0.1, luck=0.3), 50, 80, np.random.default_rng(3)).share == plain


def test_a_drawn_cluster_brings_all_its_rows_and_a_label_per_draw():
    values, labels = pool(1, clusters=3).draw(40, np.random.default_rng(0))
    assert len(values) == len(labels) and set(labels) == set(range(40))


def test_the_pool_of_a_table_keeps_people_of_one_cluster_together():
    rows = [
        {"recognizer": r, "model": m, "cluster": c, "case": case, "seed": 0, "person": p, "sim_gt": v + (m == "b")}
        for r in ("x", "y")
        for m in ("a", "b", "c")
        for v, (c, case, p) in enumerate([("k1", "s1", 0), ("k1", "s1", 1), ("k1", "s2", 0), ("k2", "s3", 0)])
    ]
    found = pool_of(pd.DataFrame(rows).sample(frac=1, random_state=0), "x", "sim_gt", ("b", "a"))
    assert [list(part) for part in found.rows] == [[0, 1, 2], [3]]
    assert found.scores.tolist() == [[1, 0], [2, 1], [3, 2], [4, 3]]


def test_power_finds_nothing_where_there_is_nothing_even_if_hard_cases_are_missing():
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, 200)
    other = np.where(first < 0, np.nan, first)
    scores = np.stack([first, other, other], axis=1)
    pool = Pool(("a", "b", "c"), scores, tuple(np.array([i]) for i in range(200)))
    assert power(pool, 50, 40, rng).share < 0.2
