"""Cluster bootstrap of means.

Cases that show the same people are not independent, so whole clusters of them are resampled; people
and seeds stay nested inside. A mean is sum over count, both additive over clusters, so a resample is
one row of integer weights and all resamples of all columns are one matrix product.
Source: Field and Welsh 2007 (cluster bootstrap); Efron 1987 (BCa).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

__all__ = ["Estimate", "Method", "cluster_sums", "estimate", "estimate_ratios", "intervals", "resampled_means"]

Array = npt.NDArray[np.float64]
Method = Literal["percentile", "bca"]
CHUNK = 1 << 20
"""Weights held at once; only memory depends on it."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval. n: values it is over; clusters: independent groups among them.

    mean is None for n = 0; low and high are None with fewer than two clusters: one cluster says
    nothing about its spread.
    """

    mean: float | None
    """None for n = 0."""
    low: float | None
    """Of the interval; None with fewer than two clusters."""
    high: float | None
    """Of the interval."""
    n: int
    """Values it is over."""
    clusters: int
    """Independent groups among them."""


def cluster_sums(values: npt.ArrayLike, clusters: npt.ArrayLike) -> tuple[Array, Array]:
    """Sums and counts of the finite values (n, k) per cluster label (n,): two (c, k) arrays, labels sorted.

    >>> sums, counts = cluster_sums([[0.5], [0.7], [np.nan], [0.2]], ["a", "a", "a", "b"])
    >>> sums.round(3).tolist(), counts.tolist()
    ([[1.2], [0.2]], [[2.0], [1.0]])
    """
    data = np.asarray(values, np.float64)
    labels, group = np.unique(np.asarray(clusters), return_inverse=True)
    present = np.isfinite(data)
    sums, counts = np.zeros((len(labels), data.shape[1])), np.zeros((len(labels), data.shape[1]))
    np.add.at(sums, group, np.where(present, data, 0.0))
    np.add.at(counts, group, present)
    return sums, counts


def resampled_means(sums: Array, counts: Array, resamples: int, rng: np.random.Generator) -> Array:
    """Means of `resamples` draws of c clusters with replacement: (resamples, k); nan where nothing was drawn.

    >>> sums, counts = cluster_sums([[0.0], [1.0]], ["a", "b"])  # two clusters: a mean of 0, 0.5 or 1
    >>> means = resampled_means(sums, counts, 1000, np.random.default_rng(0))
    >>> sorted(set(means[:, 0].tolist()))
    [0.0, 0.5, 1.0]
    """
    c, k = sums.shape
    both = np.hstack([sums, counts])
    means = np.empty((resamples, k))
    step = max(1, CHUNK // max(c, 1))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, c, size=(rows, c), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * c)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * c).reshape(rows, c)
        totals = weights.astype(np.float64) @ both
        with np.errstate(invalid="ignore", divide="ignore"):
            means[start : start + rows] = totals[:, :k] / totals[:, k:]
    return means


def intervals(
    sums: Array, counts: Array, means: Array, level: float = 0.95, method: Method = "percentile"
) -> tuple[Array, Array]:
    """Lower and upper ends (k,) from resampled means (b, k); nan where fewer than two clusters have values.

    >>> sums, counts = cluster_sums([[1.0], [2.0], [3.0]], ["a", "a", "a"])
    >>> low, high = intervals(sums, counts, resampled_means(sums, counts, 100, np.random.default_rng(0)))
    >>> low.tolist(), high.tolist()  # one cluster says nothing about its spread
    ([nan], [nan])
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.full(sums.shape[1], np.nan), np.full(sums.shape[1], np.nan)
    for j in np.flatnonzero((counts > 0).sum(axis=0) >= 2):
        draws = means[np.isfinite(means[:, j]), j]
        if len(draws):
            shares = _bca_shares(sums[:, j], counts[:, j], draws, tails) if method == "bca" else tails
            low[j], high[j] = np.quantile(draws, shares)
    return low, high


def _bca_shares(sums: Array, counts: Array, draws: Array, tails: Array) -> Array:
    """Bias-corrected and accelerated quantile positions (Efron 1987, eq. 2.3 and 6.6)."""
    point = sums.sum() / counts.sum()
    below = np.mean(draws < point) + 0.5 * np.mean(draws == point)
    bias = norm.ppf(np.clip(below, 1 / (2 * len(draws)), 1 - 1 / (2 * len(draws))))
    kept = counts > 0
    rest = counts.sum() - counts[kept]
    left_out = (sums.sum() - sums[kept])[rest > 0] / rest[rest > 0]
    gaps = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    spread = (gaps**2).sum()
    acceleration = (gaps**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + norm.ppf(tails)
    return np.asarray(norm.cdf(bias + z / (1 - acceleration * z)), np.float64)


def estimate(
    values: npt.ArrayLike,
    clusters: npt.ArrayLike,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
    method: Method = "percentile",
) -> list[Estimate]:
    """Mean and interval of every column of values (n, k), nan = not measured; clusters: labels (n,).

    The same 40 numbers, first as 40 independent cases, then as 4 people with 10 cases each: what repeats
    itself carries less information, and the interval is wider.

    >>> values = np.repeat([0.3, 0.5, 0.6, 0.8], 10)[:, None]
    >>> alone, = estimate(values, np.arange(40), np.random.default_rng(0))
    >>> grouped, = estimate(values, np.repeat(np.arange(4), 10), np.random.default_rng(0))
    >>> round(alone.mean, 2), alone.n, alone.clusters, round(alone.high - alone.low, 2)
    (0.55, 40, 40, 0.11)
    >>> round(grouped.mean, 2), grouped.n, grouped.clusters, round(grouped.high - grouped.low, 2)
    (0.55, 40, 4, 0.35)

    A value that was not measured leaves n, never becomes 0:

    >>> estimate([[0.5], [np.nan]], [0, 1], np.random.default_rng(0))
    [Estimate(mean=0.5, low=None, high=None, n=1, clusters=1)]
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 2:
        raise ValueError(f"expected values of shape (n, k), found {data.shape}")
    if len(data) == 0:
        return [Estimate(None, None, None, 0, 0)] * data.shape[1]
    sums, counts = cluster_sums(data, clusters)
    low, high = intervals(sums, counts, resampled_means(sums, counts, resamples, rng), level, method)
    return [_estimate(sums[:, j], counts[:, j], low[j], high[j]) for j in range(data.shape[1])]


def estimate_ratios(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    clusters: npt.ArrayLike,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> list[Estimate]:
    """Sum of numerators over sum of denominators, per column of two arrays (n, k); rows with a nan are left out.

    Rows of small denominators weigh little, where a mean of ratios would be ruled by them. A column whose denominators
    sum to 0 or less has no ratio (mean None). Percentile intervals.

    >>> one, = estimate_ratios([[0.5], [0.0], [0.9]], [[1.0], [0.8], [1.0]], ["a", "b", "c"], np.random.default_rng(0))
    >>> round(one.mean, 3), one.n, one.clusters
    (0.5, 3, 3)
    """
    top, bottom = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    known = np.isfinite(top) & np.isfinite(bottom)
    above, counts = cluster_sums(np.where(known, top, np.nan), clusters)
    below, _ = cluster_sums(np.where(known, bottom, np.nan), clusters)
    low, high = intervals(above, counts, resampled_means(above, below, resamples, rng), level)
    return [_ratio(above[:, j].sum(), below[:, j].sum(), counts[:, j], low[j], high[j]) for j in range(top.shape[1])]


def _ratio(above: float, below: float, counts: Array, low: Any, high: Any) -> Estimate:
    n, clusters = int(counts.sum()), int((counts > 0).sum())
    if not below > 0:
        return Estimate(None, None, None, n, clusters)
    known = np.isfinite(low) and np.isfinite(high)
    return Estimate(float(above / below), float(low) if known else None, float(high) if known else None, n, clusters)


def _estimate(sums: Array, counts: Array, low: Any, high: Any) -> Estimate:
    n = int(counts.sum())
    mean = float(sums.sum() / n) if n else None
    known = np.isfinite(low) and np.isfinite(high)
    return Estimate(mean, float(low) if known else None, float(high) if known else None, n, int((counts > 0).sum()))
