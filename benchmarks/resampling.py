"""Time and memory of the statistics: 10,000 resamples over 10,000 cases x 10 models, in a process of its own.

python benchmarks/resampling.py [--cases 10000] [--models 10] [--resamples 10000]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from idbench.stats import compare, estimate


def main() -> None:
    """Every model's interval, and every pair's difference with interval and p-value."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=10_000)
    given = parser.parse_args()
    values = np.random.default_rng(0).normal(size=(given.cases, given.models))
    clusters = np.arange(given.cases)
    names = [str(i) for i in range(given.models)]
    for method in ("percentile", "bca"):
        start = time.perf_counter()
        estimate(values, clusters, np.random.default_rng(1), given.resamples, method=method)
        print(f"{'intervals, ' + method:<24} {time.perf_counter() - start:6.2f} s   (goal < 10)")
    start = time.perf_counter()
    pairs = compare(values, names, clusters, np.random.default_rng(1), given.resamples)
    print(f"{len(pairs)} paired comparisons    {time.perf_counter() - start:6.2f} s   (goal < 10)")
    print(f"peak memory              {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:6.2f} GB  (goal < 2)")


if __name__ == "__main__":
    main()
