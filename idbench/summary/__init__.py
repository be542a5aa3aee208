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
from idbench.summary.paper import paper_groups, summarise_paper
from idbench.summary.strict import summarise_strict

__all__ = ["FAILURE_AWARE", "SUMMARY_VERSION", "Settings", "metric_declarations", "summarise"]

SUMMARY_VERSION = 1
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
    pooled = {"pooled_paper": paper_groups(paper, models), "quirks": QUIRKS} if len(paper) else {}
    return Summary(
        schema_version=SUMMARY_VERSION,
        models=models,
        oracles=[model for model in models if model in ORACLES],
        variants=[model for model in models if model in variants],
        level=settings.level,
        recognizers={
            str(name): _recognizer(str(name), rows, suite, verifications.get(str(name)), models, settings, variants)
            for name, rows in scores.groupby("recognizer", sort=False)
        },
        images=_images(images, models, settings),
        metrics={name: declaration(metric) for name, metric in metric_declarations().items()},
        **pooled,
    )


def _recognizer(
    name: str,
    rows: pd.DataFrame,
    suite: pd.DataFrame,
    verification: Verification | None,
    models: list[str],
    settings: Settings,
    variants: Collection[str],
) -> RecognizerSummary:
    """One recognizer under every protocol it was asked for."""
    photos = suite[suite["recognizer"] == name]
    parts = dict(list(rows.groupby("protocol", sort=False)))
    protocols: dict[str, StrictSummary | PaperSummary] = {}
    if "strict" in parts:
        protocols["strict"] = summarise_strict(name, parts["strict"], photos, verification, models, settings, variants)
    if "paper" in parts:
        protocols["paper"] = summarise_paper(parts["paper"], models)
    return RecognizerSummary.model_validate(protocols)


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
