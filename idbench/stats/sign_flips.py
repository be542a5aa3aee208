"""Sign-flip tests of many paired differences at once, with step-down max-T.

If two models are equally good, each cluster's sum of paired differences is as likely with the other sign. All pairs see
the same flips, so pairs that say the same thing (clones of one model) do not cost each other significance, as they
would under Holm's adjustment. Sources: Westfall and Young 1993, algorithm 4.1; Romano and Wolf 2005.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["EXACT_CLUSTERS", "sign_flip_tests", "smallest_p"]

Array = npt.NDArray[np.float64]
EXACT_CLUSTERS = 13
"""Up to so many clusters every one of the 2^c flips is counted, and no random number is involved."""
VALUES_AT_ONCE = 1 << 22
"""Numbers held at once; only memory depends on it."""


def sign_flip_tests(sums: Array, permutations: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two-sided p per column, and p adjusted for all columns (family-wise error), both (k,).

    sums : (c, k), the sum of paired differences per cluster and pair. The statistic is |sum| over the root of the sum
    of squares, which flips leave as it is: scales do not matter, and one erratic model does not decide for all. A
    column of zeros has p 1. Beyond `EXACT_CLUSTERS` flips are drawn: (1 + hits) / (1 + permutations), never 0 (Phipson
    and Smyth 2010). nan with fewer than two clusters that differ from 0 in any column.

    Of six clusters that all agree, 2 of 64 flips are as extreme; a copy of the pair changes nothing:

    >>> p, adjusted = sign_flip_tests(np.ones((6, 2)), 1000, np.random.default_rng(0))
    >>> p.tolist(), adjusted.tolist()
    ([0.03125, 0.03125], [0.03125, 0.03125])
    """
    c, k = sums.shape
    if c < 2 or not k:
        return np.full(k, np.nan), np.full(k, np.nan)
    length = np.sqrt((sums**2).sum(axis=0))
    scaled = np.divide(sums, length, out=np.zeros_like(sums), where=length > 0)
    observed = np.abs(scaled.sum(axis=0))
    order = np.argsort(-observed, kind="stable")
    hits, hits_of_any = np.zeros(k), np.zeros(k)
    flips = 0
    for signs in _flips(c, permutations, rng, max(1, VALUES_AT_ONCE // max(c, k))):
        flipped = np.abs(signs @ scaled)[:, order]
        # The largest among a pair and all those that are less extreme.
        largest = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        bar = observed[order] - 1e-9
        hits[order] += (flipped >= bar).sum(axis=0)
        hits_of_any[order] += (largest >= bar).sum(axis=0)
        flips += len(signs)
    p, of_any = hits / flips, hits_of_any / flips
    adjusted = np.empty(k)
    adjusted[order] = np.maximum.accumulate(of_any[order])
    return p, adjusted


def smallest_p(clusters: int, permutations: int) -> float:
    """The smallest p that a test over so many clusters can give.

    >>> smallest_p(4, 10_000), smallest_p(100, 999)
    (0.125, 0.001)
    """
    return 2.0 ** (1 - clusters) if 1 <= clusters <= EXACT_CLUSTERS else 1 / (1 + permutations)


def _flips(c: int, permutations: int, rng: np.random.Generator, at_once: int) -> Iterator[Array]:
    """Rows of signs (n, c): every flip up to its mirror image where there are few clusters, else the data's own signs
    and random ones."""
    if c <= EXACT_CLUSTERS:
        codes = np.arange(1 << (c - 1))
        every = np.where((codes[:, None] >> np.arange(c)) & 1, -1.0, 1.0)
        yield from (every[start : start + at_once] for start in range(0, len(every), at_once))
        return
    yield np.ones((1, c))
    for start in range(0, permutations, at_once):
        rows = min(at_once, permutations - start)
        yield rng.integers(0, 2, size=(rows, c), dtype=np.int8).astype(np.float64) * 2 - 1
