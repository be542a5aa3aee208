"""Metric functions: pure functions of arrays, importable on their own.

Conventions: embeddings are vectors of any length (they are normalised here); angles are radians
unless a name says degrees; `nan` means "could not be measured" and is never replaced by a number.
Source of the base metrics: WithAnyone / MultiID-Bench, arXiv 2510.14975, Sec. 4 and App. C.
"""

from idbench.metrics.base import Metric, PersonView
from idbench.metrics.blending import blending, person_blending
from idbench.metrics.catalog import IMAGE_METRICS, PERSON_METRICS, all_person_metrics, metric_named
from idbench.metrics.copy_paste import MIN_THETA_TR, copy_paste, nearest_reference
from idbench.metrics.identity import angle, cosine, cosine_matrix, unit
from idbench.metrics.matching import in_slot, iou_matrix, match
from idbench.metrics.variation import (
    head_pose,
    mean_pairwise_angle,
    mean_pairwise_rotation,
    rotation_between,
    ssim,
    yaw_pitch_roll,
)
from idbench.metrics.verification import auc, equal_error_rate, threshold_at

__all__ = [
    "IMAGE_METRICS",
    "MIN_THETA_TR",
    "PERSON_METRICS",
    "Metric",
    "PersonView",
    "all_person_metrics",
    "angle",
    "auc",
    "blending",
    "copy_paste",
    "cosine",
    "cosine_matrix",
    "equal_error_rate",
    "head_pose",
    "in_slot",
    "iou_matrix",
    "match",
    "mean_pairwise_angle",
    "mean_pairwise_rotation",
    "metric_named",
    "nearest_reference",
    "person_blending",
    "rotation_between",
    "ssim",
    "threshold_at",
    "unit",
    "yaw_pitch_roll",
]
