"""What many repeats of an experiment say about intervals and comparisons.

A pool of scored cases stands for the population; a repeat draws clusters of it with replacement, each
drawn one a cluster of its own. What it should give is known (the mean of the pool), the clusters are
taken as they are, and every number comes from the functions that a report's numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.calibrate.verdicts import Rate, rate_of
from idbench.stats import Method, compare, estimate

__all__ = ["RESAMPLES", "Pool", "coverage", "false_alarms", "pool_of", "power"]

RESAMPLES = 2000
"""Bootstrap resamples of one repeat; reports take five times as many, which changes an interval's ends little."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Scores (n, m) on one metric: a row per case and person, a column per model, nan = not measured.

    rows: the rows of each cluster.
    """

    models: tuple[str, ...]
    scores: Array
    rows: tuple[npt.NDArray[np.intp], ...]

    def draw(self, clusters: int, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.intp]]:
        """Scores of `clusters` drawn ones, (k, m), and a label per row: which draw it came with."""
        chosen = [self.rows[i] for i in rng.integers(0, len(self.rows), clusters)]
        labels = np.repeat(np.arange(clusters), [len(rows) for rows in chosen])
        return self.scores[np.concatenate(chosen)], labels


def pool_of(scores: pd.DataFrame, recognizer: str, metric: str, models: Sequence[str]) -> Pool:
    """The scores of `models` on one metric, as one recognizer saw them."""
    rows = scores[(scores["recognizer"] == recognizer) & scores["model"].isin(models)]
    wide = rows.pivot(index=["cluster", "case", "seed", "person"], columns="model", values=metric).sort_index()
    _, group = np.unique(wide.index.get_level_values("cluster"), return_inverse=True)
    members = tuple(np.flatnonzero(group == k) for k in range(group.max(initial=-1) + 1))
    return Pool(tuple(models), wide.reindex(columns=list(models)).to_numpy(float), members)


def coverage(pool: Pool, clusters: int, method: Method, repeats: int, rng: np.random.Generator) -> Rate:
    """How often the 95 % interval of a pool's only model holds the mean of the whole pool."""
    truth = float(np.nanmean(pool.scores))
    hits = 0
    for _ in range(repeats):
        values, labels = pool.draw(clusters, rng)
        found = estimate(values, labels, rng, RESAMPLES, method=method)[0]
        hits += found.low is not None and found.high is not None and found.low <= truth <= found.high
    return rate_of(hits, repeats)


def false_alarms(pool: Pool, clusters: int, repeats: int, rng: np.random.Generator) -> Rate:
    """How often a pool's two models, equal but for chance, are called different.

    A coin decides for every drawn cluster which of them is called the first, so that they are equal in
    this very pool too, not only in the long run.
    """
    hits = 0
    for _ in range(repeats):
        values, labels = pool.draw(clusters, rng)
        swapped = rng.random(clusters)[labels] < 0.5
        values = np.where(swapped[:, None], values[:, ::-1], values)
        hits += _different(pool, values, labels, rng)
    return rate_of(hits, repeats)


def power(pool: Pool, clusters: int, repeats: int, rng: np.random.Generator) -> Rate:
    """How often the first and the third of a pool's three models are told apart.

    The second equals the first but for chance, and shares its chance with the third. By how much chance
    alone puts first and second apart in this pool is taken off the third, so that only its fault is left.
    """
    first, second, third = pool.scores.T
    by_chance = np.nanmean(second - first)
    pair = Pool((pool.models[0], pool.models[2]), np.stack([first, third - by_chance], axis=1), pool.rows)
    return rate_of(sum(_different(pair, *pair.draw(clusters, rng), rng) for _ in range(repeats)), repeats)


def _different(pool: Pool, values: Array, labels: npt.NDArray[np.intp], rng: np.random.Generator) -> bool:
    return compare(values, pool.models, labels, rng, RESAMPLES)[0].different
