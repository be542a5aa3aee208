"""From the run's tables to the numbers of the report; needs no images, faces or networks.

`summary.json` -> "recognizers" -> NAME -> PROTOCOL -> "groups" -> "all" or a subset -> "models" -> MODEL
-> METRIC -> {mean, low, high, n, clusters}; "models" of the group "all" stands directly under the
protocol too. Every similarity has two forms: `sim_gt` over people who were found, and
`sim_gt_failure_aware`, where every failure counts 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from idbench.metrics import IMAGE_METRICS
from idbench.protocols.paper import QUIRKS
from idbench.records import ORACLES
from idbench.stats import Verification, estimate
from idbench.summary.metrics import FAILURE_AWARE, Settings, declaration, groups_of, metric_declarations
from idbench.summary.paper import pooled_paper, summarise_paper
from idbench.summary.strict import summarise_strict

__all__ = ["FAILURE_AWARE", "SUMMARY_VERSION", "Settings", "metric_declarations", "summarise"]

SUMMARY_VERSION = 1
"""Raise it when summary.json changes its form; reports refuse other versions."""


def summarise(
    scores: pd.DataFrame,
    images: pd.DataFrame,
    suite: pd.DataFrame,
    judges: Mapping[str, Verification],
    settings: Settings,
    variants: Collection[str] = (),
) -> dict[str, Any]:
    """Every number of the report from scores.parquet, images.parquet and suite.parquet.

    variants : models that are one value of a sweep. They are measured like others, but several settings of one
    model are not several models: beside others they have no ranks and shape neither front nor trade-off line.
    """
    models = _model_order(list(images["model"].unique()))
    recognizers: dict[str, Any] = {}
    for recognizer, rows in scores.groupby("recognizer", sort=False):
        photos = suite[suite["recognizer"] == recognizer]
        judged = judges.get(str(recognizer))
        per_protocol: dict[str, Any] = {}
        for protocol, part in rows.groupby("protocol", sort=False):
            if protocol == "strict":
                per_protocol["strict"] = summarise_strict(
                    str(recognizer), part, photos, judged, models, settings, variants
                )
            else:
                per_protocol["paper"] = summarise_paper(part, models)
        recognizers[str(recognizer)] = per_protocol
    summary: dict[str, Any] = {
        "schema_version": SUMMARY_VERSION,
        "models": models,
        "oracles": [model for model in models if model in ORACLES],
        "variants": [model for model in models if model in variants],
        "level": settings.level,
        "recognizers": recognizers,
        "images": _images(images, models, settings),
        "metrics": {name: declaration(metric) for name, metric in metric_declarations().items()},
    }
    if (scores["protocol"] == "paper").any():
        summary["pooled_paper"] = pooled_paper(scores[scores["protocol"] == "paper"], models)
        summary["quirks"] = QUIRKS
    return summary


def _model_order(models: Sequence[str]) -> list[str]:
    """Models in the order given, oracles last in their own."""
    given = [str(model) for model in models]
    return [m for m in given if m not in ORACLES] + [m for m in ORACLES if m in given]


def _images(images: pd.DataFrame, models: list[str], settings: Settings) -> dict[str, Any]:
    """Recognizer-independent metrics and generation outcomes per model, for all cases and per subset."""
    images, names = _with_failure_aware(images)
    result: dict[str, Any] = {}
    for group, rows in groups_of(images).items():
        table: dict[str, Any] = {}
        for model in models:
            part = rows[rows["model"] == model]
            estimates = estimate(
                part[names].to_numpy(float),
                part["cluster"].to_numpy(),
                settings.rng("images", group, model),
                settings.resamples,
                settings.level,
                settings.interval,
            )
            table[model] = {n: e.as_dict() for n, e in zip(names, estimates, strict=True) if e.n}
            table[model]["outcomes"] = {str(k): int(v) for k, v in part["outcome"].value_counts().sort_index().items()}
            table[model]["prompts_cut"] = int(part["prompt_cut"].fillna(0).sum())
        result[group] = {"models": table}
    return result


def _with_failure_aware(images: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add the failure-aware forms: a failure counts in cases where any model's image has the number."""
    failed = images["outcome"] != "generated"
    forms = {}
    for metric in IMAGE_METRICS:
        if metric.failure_value is not None:
            measured = images[metric.name].notna().groupby(images["case"]).transform("any")
            forms[metric.name + FAILURE_AWARE] = images[metric.name].mask(failed & measured, metric.failure_value)
    return images.assign(**forms), [*(metric.name for metric in IMAGE_METRICS), *forms]
