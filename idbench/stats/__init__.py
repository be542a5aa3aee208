"""Uncertainty, comparison, calibration and trade-off, on plain arrays with explicit random generators."""

from idbench.stats.bootstrap import (
    Estimate,
    Method,
    cluster_sums,
    estimate,
    estimate_ratios,
    intervals,
    resampled_means,
)
from idbench.stats.calibration import (
    ONE_PHOTO,
    Band,
    CopyThreshold,
    LikenessScale,
    Verification,
    copy_threshold,
    likeness_scale,
    natural_band,
    verification,
)
from idbench.stats.compare import Comparison, compare, shared_ranks
from idbench.stats.sign_flips import sign_flip_tests, smallest_p
from idbench.stats.tradeoff import hypervolume, line_distances, pareto_front

__all__ = [
    "ONE_PHOTO",
    "Band",
    "Comparison",
    "CopyThreshold",
    "Estimate",
    "LikenessScale",
    "Method",
    "Verification",
    "cluster_sums",
    "compare",
    "copy_threshold",
    "estimate",
    "estimate_ratios",
    "hypervolume",
    "intervals",
    "likeness_scale",
    "line_distances",
    "natural_band",
    "pareto_front",
    "resampled_means",
    "shared_ranks",
    "sign_flip_tests",
    "smallest_p",
    "verification",
]
