"""Paired comparison of models on the same case, seed and person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from idbench.stats.bootstrap import CHUNK, Method, cluster_sums, intervals, resampled_means

__all__ = ["Comparison", "compare", "holm", "shared_ranks"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Model a against model b on one metric: the mean of a - b over what both have.

    effect: mean difference over the standard deviation of the differences (Cohen's d_z). p: cluster
    sign-flip permutation; p_holm: adjusted over the family. None where it cannot be computed.
    different: the interval leaves out 0 *and* p_holm is below 1 - level: with few clusters a bootstrap
    interval alone is too narrow, and many pairs need the adjustment.
    """

    a: str
    """Model."""
    b: str
    """Model."""
    difference: float | None
    """Mean of a - b."""
    low: float | None
    """Of the interval."""
    high: float | None
    """Of the interval."""
    effect: float | None
    """Cohen's d_z."""
    p: float | None
    """Of the permutation."""
    p_holm: float | None
    """Adjusted over all pairs."""
    n: int
    """Pairs of values."""
    clusters: int
    """Independent groups among them."""
    different: bool
    """Whether a and b are told apart."""


def compare(
    values: npt.ArrayLike,
    models: Sequence[str],
    clusters: npt.ArrayLike,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
    method: Method = "percentile",
) -> list[Comparison]:
    """Every pair of models on one metric.

    values : (n, m), a row per case, seed and person, a column per model; nan = not measured. A pair is
    compared on the rows both have. clusters : labels (n,).

    Model b is worse by .1 in each of 30 independent cases, however much cases differ:

    >>> rng = np.random.default_rng(0)
    >>> a = rng.uniform(0.2, 0.9, 30)
    >>> (pair,) = compare(np.stack([a, a - 0.1 + rng.normal(0, 0.01, 30)], axis=1), ["a", "b"], np.arange(30), rng)
    >>> round(pair.difference, 2), pair.n, pair.different
    (0.1, 30, True)

    In two cases the same difference proves nothing:

    >>> (pair,) = compare([[0.5, 0.4], [0.8, 0.7]], ["a", "b"], [0, 1], rng)
    >>> round(pair.difference, 2), pair.different
    (0.1, False)
    """
    data = np.asarray(values, np.float64)
    pairs = list(combinations(range(len(models)), 2))
    if not pairs or not len(data):
        return []
    gaps = np.stack([data[:, i] - data[:, j] for i, j in pairs], axis=1)
    sums, counts = cluster_sums(gaps, clusters)
    low, high = intervals(sums, counts, resampled_means(sums, counts, resamples, rng), level, method)
    p_values = _sign_flip(sums, counts, resamples, rng)
    adjusted = holm(p_values)
    results = []
    for k, (i, j) in enumerate(pairs):
        present = gaps[np.isfinite(gaps[:, k]), k]
        n = len(present)
        spread = present.std(ddof=1) if n > 1 else 0.0
        results.append(
            Comparison(
                models[i], models[j],
                difference=float(present.mean()) if n else None,
                low=_finite(low[k]), high=_finite(high[k]),
                effect=float(present.mean() / spread) if spread > 0 else None,
                p=_finite(p_values[k]), p_holm=_finite(adjusted[k]),
                n=n, clusters=int((counts[:, k] > 0).sum()),
                different=bool((low[k] > 0 or high[k] < 0) and adjusted[k] < 1 - level),
            )
        )  # fmt: skip
    return results


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _sign_flip(sums: Array, counts: Array, permutations: int, rng: np.random.Generator) -> Array:
    """Two-sided p per column: how often random signs of whole clusters give a total as large.

    (1 + hits) / (1 + permutations), never 0 (Phipson and Smyth 2010); nan with fewer than two clusters.
    """
    c, k = sums.shape
    observed = np.abs(sums.sum(axis=0))
    tolerance = 1e-12 * np.abs(sums).sum(axis=0)
    hits = np.zeros(k)
    step = max(1, CHUNK // max(c, 1))
    for start in range(0, permutations, step):
        rows = min(step, permutations - start)
        signs = rng.integers(0, 2, size=(rows, c), dtype=np.int8).astype(np.float64) * 2 - 1
        hits += (np.abs(signs @ sums) >= observed - tolerance).sum(axis=0)
    p = (1 + hits) / (1 + permutations)
    return np.where((counts > 0).sum(axis=0) >= 2, p, np.nan)


def holm(p_values: npt.ArrayLike) -> Array:
    """Holm's step-down adjustment (1979) of p-values (k,); nan stays nan and does not count.

    >>> holm([0.01, 0.04, 0.03, np.nan]).round(3).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def shared_ranks(
    means: dict[str, float],
    comparisons: Sequence[Comparison],
    direction: Literal["higher", "lower"] = "higher",
) -> dict[str, int]:
    """Rank of each model: 1 + the number of models that are better *and* differ from it.

    Models that are not told apart share a rank unless a third separates them.

    >>> def pair(a, b, difference, different):
    ...     return Comparison(a, b, difference, None, None, None, None, None, 9, 9, different)
    >>> shared_ranks({"a": 0.8, "b": 0.7, "c": 0.5},
    ...              [pair("a", "b", 0.1, False), pair("a", "c", 0.3, True), pair("b", "c", 0.2, True)])
    {'a': 1, 'b': 1, 'c': 3}
    """
    sign = 1 if direction == "higher" else -1
    beaten_by = dict.fromkeys(means, 0)
    for pair in comparisons:
        if pair.a not in means or pair.b not in means or not pair.different or pair.difference is None:
            continue
        loser = pair.b if sign * pair.difference > 0 else pair.a
        beaten_by[loser] += 1
    return {model: 1 + count for model, count in beaten_by.items()}
