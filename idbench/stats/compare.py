"""Paired comparison of models on the same case, seed and person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from idbench.stats.bootstrap import Method, cluster_sums, intervals, resampled_means
from idbench.stats.sign_flips import sign_flip_tests

__all__ = ["Comparison", "compare", "shared_ranks"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Model a against model b on one metric: the mean of a - b over what both have.

    effect: mean difference over the standard deviation of the differences (Cohen's d_z). p: sign flips of clusters;
    p_adjusted: for all pairs together, by step-down max-T. None where it cannot be computed. different: p_adjusted is
    at most 1 - level. The interval is of this pair alone and no part of that decision.
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
    p_adjusted: float | None
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
    tested = (counts > 0).sum(axis=0) >= 2
    p_values, adjusted = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    p_values[tested], adjusted[tested] = sign_flip_tests(sums[:, tested], resamples, rng)
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
                p=_finite(p_values[k]), p_adjusted=_finite(adjusted[k]),
                n=n, clusters=int((counts[:, k] > 0).sum()),
                different=bool(adjusted[k] <= 1 - level + 1e-12),
            )
        )  # fmt: skip
    return results


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


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
