"""From the run's tables to the numbers of the report; needs no images, faces or networks.

`idbench.records.summary` says what a summary holds. Every similarity has two forms: `sim_gt` over people who were
found, and `sim_gt_failure_aware`, where every failure counts 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from idbench.protocols.paper import QUIRKS
from idbench.records import ORACLES
from idbench.records.summary import ImageGroup, ImageSummary, PaperSummary, RecognizerSummary, StrictSummary, Summary
from idbench.stats import Verification, estimate
from idbench.summary.failure_aware import with_image_forms
from idbench.summary.metrics import FAILURE_AWARE, Settings, declaration, groups_of, metric_declarations
from idbench.summary.overall import overall_likeness
from idbench.summary.paper import paper_groups, summarise_paper
from idbench.summary.strict import StrictRows, summarise_strict

__all__ = ["FAILURE_AWARE", "SUMMARY_VERSION", "Settings", "metric_declarations", "summarise"]

SUMMARY_VERSION = 2
"""Raise it when summary.json changes its form; reports refuse other versions."""


def summarise(
    scores: pd.DataFrame,
    images: pd.DataFrame,
    suite: pd.DataFrame,
    verifications: Mapping[str, Verification],
    settings: Settings,
    variants: Collection[str] = (),
) -> Summary:
    """Every number of the report from scores.parquet, images.parquet and suite.parquet.

    verifications : how well each recognizer tells the suite's people apart.
    variants : models that are one value of a sweep. They are measured like others, but several settings of one
    model are not several models: beside others they have no ranks and shape neither front nor trade-off line.
    """
    models = _model_order(list(images["model"].unique()))
    paper = scores[scores["protocol"] == "paper"]
    strict = _strict_rows(scores[scores["protocol"] == "strict"], suite, verifications)
    overall = overall_likeness([found.rows for found in strict.values()], models, settings)
    pooled = {"pooled_paper": paper_groups(paper, models), "quirks": QUIRKS} if len(paper) else {}
    recognizers: dict[str, RecognizerSummary] = {}
    for name in scores["recognizer"].unique():
        protocols: dict[str, StrictSummary | PaperSummary] = {}
        if name in strict:
            protocols["strict"] = summarise_strict(name, strict[name], models, settings, variants)
        if len(own := paper[paper["recognizer"] == name]):
            protocols["paper"] = summarise_paper(own, models)
        recognizers[name] = RecognizerSummary.model_validate(protocols)
    return Summary(
        schema_version=SUMMARY_VERSION,
        models=models,
        oracles=[model for model in models if model in ORACLES],
        variants=[model for model in models if model in variants],
        level=settings.level,
        recognizers=recognizers,
        images=_images(images, models, settings),
        metrics={name: declaration(metric) for name, metric in metric_declarations().items()},
        **({"overall": overall} if overall else {}),
        **pooled,
    )


def _strict_rows(
    scores: pd.DataFrame, suite: pd.DataFrame, verifications: Mapping[str, Verification]
) -> dict[str, StrictRows]:
    """Every recognizer's strict rows with what is derived from them, in the order of the scores."""
    return {
        str(name): StrictRows.of(rows, suite[suite["recognizer"] == name], verifications.get(str(name)))
        for name, rows in scores.groupby("recognizer", sort=False)
    }


def _model_order(models: Sequence[str]) -> list[str]:
    """Models in the order given, oracles last in their own."""
    given = [str(model) for model in models]
    return [m for m in given if m not in ORACLES] + [m for m in ORACLES if m in given]


def _images(images: pd.DataFrame, models: list[str], settings: Settings) -> dict[str, ImageGroup]:
    """Recognizer-independent metrics and generation outcomes per model, for all cases and per subset."""
    images, names = with_image_forms(images)
    return {
        group: ImageGroup(
            models={
                model: _image_summary(rows[rows["model"] == model], names, settings, (group, model)) for model in models
            }
        )
        for group, rows in groups_of(images).items()
    }


def _image_summary(rows: pd.DataFrame, names: list[str], settings: Settings, labels: tuple[str, str]) -> ImageSummary:
    estimates = estimate(
        rows[names].to_numpy(float),
        rows["cluster"].to_numpy(),
        settings.rng("images", *labels),
        settings.resamples,
        settings.level,
        settings.interval,
    )
    return ImageSummary(
        metrics={name: found for name, found in zip(names, estimates, strict=True) if found.n},
        outcomes={str(k): int(v) for k, v in rows["outcome"].value_counts().sort_index().items()},
        prompts_cut=int(rows["prompt_cut"].fillna(0).sum()),
    )
