"""Every built-in metric, declared; third parties add theirs by the entry point `idbench.metrics`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from idbench import registry
from idbench.errors import ConfigError
from idbench.metrics.base import Array, Metric, PersonView
from idbench.metrics.blending import person_blending
from idbench.metrics.copy_paste import copy_paste, nearest_reference
from idbench.metrics.identity import cosine
from idbench.metrics.registered_copy import registered_copy
from idbench.metrics.variation import head_pose, rotation_between, ssim, yaw_pitch_roll

__all__ = [
    "IMAGE_METRICS",
    "METRICS_EDITION",
    "PERSON_METRICS",
    "SEED_METRICS",
    "all_person_metrics",
    "metric_named",
    "third_party_metric",
]

METRICS_EDITION = 2
"""Raise it when definitions of metrics change, or those that rank. 2: likeness and copy share."""

NAN = float("nan")
PAPER = "arXiv 2510.14975"


def _nearest(view: PersonView) -> Array | None:
    return view.references[nearest_reference(view.generated, view.references)] if len(view.references) else None


def _sim_gt(view: PersonView) -> float:
    return NAN if view.target is None else cosine(view.generated, view.target)


def _sim_ref(view: PersonView) -> float:
    reference = _nearest(view)
    return NAN if reference is None else cosine(view.generated, reference)


def _sim_tr(view: PersonView) -> float:
    reference = _nearest(view)
    return NAN if reference is None or view.target is None else cosine(view.target, reference)


def _copy_paste(view: PersonView) -> float:
    reference = _nearest(view)
    if reference is None or view.target is None:
        return NAN
    return copy_paste(view.generated, view.target, reference)


def _pose_gap(a: Array | None, b: Array | None) -> float:
    return NAN if a is None or b is None else rotation_between(head_pose(a), head_pose(b))


def _ssim(a: Array | None, b: Array | None) -> float:
    return NAN if a is None or b is None else ssim(a, b)


def _euler(part: int) -> Callable[[PersonView], float]:
    return lambda view: yaw_pitch_roll(head_pose(view.generated_landmarks))[part]


PERSON_METRICS: tuple[Metric, ...] = (
    Metric(
        "sim_gt", "similarity to the target", -1, 1, "higher", "cosine",
        "does it look like the person in another real photo?", PAPER, 0.0, ("target",), True, _sim_gt,
    ),
    Metric(
        "sim_ref", "similarity to the reference", -1, 1, "context", "cosine",
        "how close to the photo that was given; above the natural band is copying",
        PAPER, 0.0, ("reference",), True, _sim_ref,
    ),
    Metric(
        "copy_paste", "copy-paste", -1, 1, "lower", "",
        "1: sits on the reference, 0: equally far from both, -1: sits on the target",
        PAPER, 1.0, ("target", "reference"), True, _copy_paste,
    ),
    Metric(
        "blending", "identity blending", -1, 1, "lower", "cosine",
        "likeness to the other people of the case", PAPER + ", eq. 10", None, ("target",), True,
        lambda view: person_blending(view.generated, view.other_targets),
    ),
    Metric(
        "slot_accuracy", "slot accuracy", 0, 1, "higher", "share",
        "is the person where the case's box says?", "", None, ("target",), True,
        lambda view: NAN if view.in_slot is None else float(view.in_slot),
    ),
    Metric(
        "sim_tr", "target to reference", -1, 1, "context", "cosine",
        "two real photos of the same person: the natural band", PAPER, None, (), False, _sim_tr,
    ),
    Metric(
        "pixel_copy", "pixel copy", -1, 1, "lower", "SSIM",
        "aligned crops of generated face and reference", "Wang et al. 2004", None, (), False,
        lambda view: _ssim(view.generated_luma, view.reference_luma),
    ),
    Metric(
        "pixel_copy_tr", "pixel likeness of target and reference", -1, 1, "context", "SSIM",
        "what two real photos of the person give", "Wang et al. 2004", None, (), False,
        lambda view: _ssim(view.target_luma, view.reference_luma),
    ),
    Metric(
        "registered_copy", "registered copy", -1, 1, "lower", "correlation",
        "the reference photo seen in the face, also mirrored, recoloured, relit or warped; the largest over references",
        "Evangelidis and Psarakis 2008", None, ("reference",), False,
        lambda view: registered_copy(view.reference_correlations),
    ),
    Metric(
        "pose_gr", "pose change from reference", 0, 180, "context", "degrees",
        "head rotation between reference and generated face", "", None, (), False,
        lambda view: _pose_gap(view.generated_landmarks, view.reference_landmarks),
    ),
    Metric(
        "pose_tr", "pose change, target to reference", 0, 180, "context", "degrees",
        "head rotation between two real photos of the person", "", None, (), False,
        lambda view: _pose_gap(view.target_landmarks, view.reference_landmarks),
    ),
    Metric("yaw", "yaw", -90, 90, "context", "degrees", "to image right", "", None, (), False, _euler(0)),
    Metric("pitch", "pitch", -180, 180, "context", "degrees", "upwards", "", None, (), False, _euler(1)),
    Metric("roll", "roll", -180, 180, "context", "degrees", "clockwise in the image", "", None, (), False, _euler(2)),
)  # fmt: skip
"""Per-person metrics computed from a `PersonView`."""

SEED_METRICS: tuple[Metric, ...] = (
    Metric(
        "seed_distance", "variation across seeds", 0, float(np.pi), "context", "radians",
        "mean angular distance to the same person's other seeds",
    ),
    Metric(
        "seed_pose", "pose spread across seeds", 0, 180, "context", "degrees",
        "mean head rotation to the same person's other seeds",
    ),
)  # fmt: skip
"""Per-person metrics that need several seeds of one case."""

IMAGE_METRICS: tuple[Metric, ...] = (
    Metric("faces_found", "faces found", 0, np.inf, "context", "faces"),
    Metric("extra_faces", "extra faces", 0, np.inf, "lower", "faces"),
    Metric("missing_people", "missing people", 0, np.inf, "lower", "people"),
    Metric("clip_i", "CLIP-I", -1, 1, "higher", "cosine", "image to target", PAPER, 0.0, (), True),
    Metric("clip_t", "CLIP-T", -1, 1, "higher", "cosine", "image to prompt", PAPER, 0.0, (), True),
    Metric("aesthetic", "aesthetics", 1, 10, "higher", "", "aesthetic-predictor-v2.5", PAPER, None, (), True),
    Metric("seconds", "seconds per image", 0, np.inf, "lower", "s"),
)  # fmt: skip
"""Metrics of a whole generated image, independent of the recognizer."""


@cache
def all_person_metrics() -> tuple[Metric, ...]:
    """Built-in and third-party per-person metrics, by entry point, built-ins first in their own order.

    >>> [metric.name for metric in all_person_metrics() if metric.headline]
    ['sim_gt', 'sim_ref', 'copy_paste', 'blending', 'slot_accuracy']
    """
    return PERSON_METRICS + tuple(third_party_metric(name) for name in registry.metrics.names())


def third_party_metric(name: str) -> Metric:
    """A metric that another package registers under `name`. Raises `ConfigError`, one line, if it cannot be used."""
    metric = registry.metrics.get(name)
    if not isinstance(metric, Metric) or metric.compute is None:
        raise ConfigError(f"metric '{name}': expected a Metric with `compute`, found {metric!r:.60}")
    taken = {one.name for one in (*PERSON_METRICS, *SEED_METRICS, *IMAGE_METRICS)}
    if metric.name in taken:
        raise ConfigError(f"metric '{name}': idbench has a metric '{metric.name}' of its own; choose another name")
    return metric


def metric_named(name: str) -> Metric | None:
    """The declaration of a metric, or None.

    >>> metric_named("copy_paste").direction, metric_named("copy_paste").failure_value
    ('lower', 1.0)
    """
    return next((m for m in (*all_person_metrics(), *SEED_METRICS, *IMAGE_METRICS) if m.name == name), None)
