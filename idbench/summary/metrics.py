"""Which metrics a summary can hold, and how uncertainty is computed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from idbench.metrics import IMAGE_METRICS, Metric, all_person_metrics
from idbench.metrics.catalog import SEED_METRICS
from idbench.records.summary import MetricDeclaration

__all__ = ["COPY_SHARE", "DERIVED", "FAILURE_AWARE", "Settings", "declaration", "groups_of", "metric_declarations"]

FAILURE_AWARE = "_failure_aware"
DERIVED = (
    Metric("found", "people found", 0, 1, "higher", "share", "share of people whose face was found", headline=True),
    Metric(
        "over_similar",
        "over-similar",
        0,
        1,
        "lower",
        "share",
        "share of people more like the reference than 95 % of real photo pairs",
        headline=True,
    ),
    Metric(
        "verified",
        "verified",
        0,
        1,
        "higher",
        "share",
        "share of generated faces the recognizer accepts as the person",
        failure_value=0.0,
        needs=("target",),
    ),
    Metric(
        "likeness",
        "likeness",
        0,
        np.inf,
        "higher",
        "share",
        "0: a stranger, 1: as alike as two real photos of the person; means the same for every recognizer",
        failure_value=0.0,
        needs=("target",),
    ),
    Metric(
        "copied",
        "copied",
        0,
        1,
        "lower",
        "share",
        "share of faces in which the reference photo is seen, as 5 % of real photos would by chance",
        "Evangelidis and Psarakis 2008",
        needs=("reference",),
    ),
)
COPY_SHARE = Metric(
    "copy_share",
    "copy share",
    -np.inf,
    np.inf,
    "lower",
    "share",
    "1: all that faces have of the person comes from the reference photo, 0: no more than another photo would have",
    failure_value=1.0,
)
"""A ratio of sums over people: no single person has one."""  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How uncertainty is computed."""

    resamples: int = 10_000
    level: float = 0.95
    interval: Literal["percentile", "bca"] = "percentile"
    seed: int = 0

    def rng(self, *labels: str) -> np.random.Generator:
        """A generator of its own for every (recognizer, protocol, group), so none depends on what else is there."""
        digest = hashlib.sha256("\0".join(labels).encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest[:8], "big")])


def metric_declarations() -> dict[str, Metric]:
    """Every metric a summary can hold, by name, failure-aware forms included."""
    declared = [*all_person_metrics(), *DERIVED, COPY_SHARE, *SEED_METRICS, *IMAGE_METRICS]
    forms = [
        Metric(
            m.name + FAILURE_AWARE, f"{m.title}, failures count {m.failure_value:g}", m.low, m.high, m.direction,
            m.unit, m.meaning, m.citation, headline=m.headline and m.failure_value == 0,
        )
        for m in declared if m.failure_value is not None
    ]  # fmt: skip
    return {metric.name: metric for metric in [*declared, *forms]}


def declaration(metric: Metric) -> MetricDeclaration:
    """What summary.json says about a metric."""
    low, high = (float(bound) if np.isfinite(bound) else None for bound in (metric.low, metric.high))
    return MetricDeclaration(
        title=metric.title, direction=metric.direction, unit=metric.unit, range=(low, high),
        meaning=metric.meaning, citation=metric.citation, headline=metric.headline,
    )  # fmt: skip


def groups_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All rows, then each subset's where there are several."""
    subsets = sorted(rows["subset"].unique())
    groups = {"all": rows}
    return groups | {s: rows[rows["subset"] == s] for s in subsets} if len(subsets) > 1 else groups
