"""From the run's tables to the numbers of the report; needs no images, faces or networks.

`summary.json` -> "recognizers" -> NAME -> PROTOCOL -> "groups" -> "all" or a subset -> "models" -> MODEL
-> METRIC -> {mean, low, high, n, clusters}; "models" of the group "all" stands directly under the
protocol too. Every similarity has two forms: `sim_gt` over people who were found, and
`sim_gt_failure_aware`, where every failure counts 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from idbench.metrics import IMAGE_METRICS, Metric, all_person_metrics
from idbench.metrics.catalog import SEED_DISTANCE
from idbench.models.oracles import ORACLES
from idbench.protocols.paper import QUIRKS, statistics
from idbench.records import FAILURES, Outcome
from idbench.stats import (
    Band,
    Comparison,
    Verification,
    cluster_sums,
    compare,
    estimate,
    hypervolume,
    line_distances,
    natural_band,
    pareto_front,
    resampled_means,
    shared_ranks,
)

__all__ = ["COMPARED", "FAILURE_AWARE", "Settings", "metric_declarations", "summarise"]

FAILURE_AWARE = "_failure_aware"
COMPARED: tuple[tuple[str, Literal["higher", "lower"]], ...] = (
    ("sim_gt_failure_aware", "higher"),
    ("copy_paste", "lower"),
)
"""Metrics on which models are compared pairwise, and which way is better."""

FLOOR = {"one": 0.40, "several": 0.35}
"""Failure-aware sim_gt below which a model's copy-paste is not ranked (arXiv 2510.14975, Fig. 5)."""

DERIVED = (
    Metric("found", "people found", 0, 1, "higher", "share", "share of people whose face was found", headline=True),
    Metric("over_similar", "over-similar", 0, 1, "lower", "share",
           "share of people more like the reference than 95 % of real photo pairs", headline=True),
    Metric("verified", "verified", 0, 1, "higher", "share",
           "share of generated faces the judge accepts as the person", failure_value=0.0),
)  # fmt: skip


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
    declared = [*all_person_metrics(), *DERIVED, SEED_DISTANCE, *IMAGE_METRICS]
    forms = [
        Metric(
            m.name + FAILURE_AWARE, f"{m.title}, failures count {m.failure_value:g}", m.low, m.high, m.direction,
            m.unit, m.meaning, m.citation, headline=m.headline,
        )
        for m in declared if m.failure_value is not None
    ]  # fmt: skip
    return {metric.name: metric for metric in [*declared, *forms]}


def summarise(
    scores: pd.DataFrame,
    images: pd.DataFrame,
    suite: pd.DataFrame,
    judges: Mapping[str, Verification],
    settings: Settings,
) -> dict[str, Any]:
    """Every number of the report from scores.parquet, images.parquet and suite.parquet."""
    models = _model_order(list(images["model"].unique()))
    recognizers: dict[str, Any] = {}
    for recognizer, rows in scores.groupby("recognizer", sort=False):
        photos = suite[suite["recognizer"] == recognizer]
        judged = judges.get(str(recognizer))
        per_protocol: dict[str, Any] = {}
        for protocol, part in rows.groupby("protocol", sort=False):
            if protocol == "strict":
                per_protocol["strict"] = _strict(str(recognizer), part, photos, judged, models, settings)
            else:
                per_protocol["paper"] = _paper(part, models)
        recognizers[str(recognizer)] = per_protocol
    summary: dict[str, Any] = {
        "schema_version": 1,
        "models": models,
        "oracles": [model for model in models if model in ORACLES],
        "level": settings.level,
        "recognizers": recognizers,
        "images": _images(images, models, settings),
        "metrics": {name: _declaration(metric) for name, metric in metric_declarations().items()},
    }
    if (scores["protocol"] == "paper").any():
        summary["pooled_paper"] = _pooled_paper(scores[scores["protocol"] == "paper"], models)
        summary["quirks"] = QUIRKS
    return summary


def _declaration(metric: Metric) -> dict[str, Any]:
    bounds = [None if not np.isfinite(x) else float(x) for x in (metric.low, metric.high)]
    return {
        "title": metric.title, "direction": metric.direction, "unit": metric.unit, "range": bounds,
        "meaning": metric.meaning, "citation": metric.citation, "headline": metric.headline,
    }  # fmt: skip


def _model_order(models: Sequence[str]) -> list[str]:
    """Models in the order given, oracles last in their own."""
    given = [str(model) for model in models]
    return [m for m in given if m not in ORACLES] + [m for m in ORACLES if m in given]


def _groups(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All rows, then each subset's where there are several."""
    subsets = sorted(rows["subset"].unique())
    groups = {"all": rows}
    return groups | {s: rows[rows["subset"] == s] for s in subsets} if len(subsets) > 1 else groups


# ---------------------------------------------------------------- strict


def _strict(
    recognizer: str,
    rows: pd.DataFrame,
    photos: pd.DataFrame,
    judged: Verification | None,
    models: list[str],
    settings: Settings,
) -> dict[str, Any]:
    band = natural_band(photos["sim_tr"])
    rows = _with_derived(rows, band, judged)
    groups = {
        name: _strict_group(part, models, settings, settings.rng(recognizer, "strict", name))
        for name, part in _groups(rows).items()
    }
    return {
        "models": groups["all"]["models"],
        "groups": groups,
        "natural_band": band.as_dict() if band else None,
        "verification": judged.as_dict() if judged else None,
    }


def _with_derived(rows: pd.DataFrame, band: Band | None, judged: Verification | None) -> pd.DataFrame:
    """Add found, over_similar, verified, and the failure-aware forms."""
    failed = rows["outcome"].isin([outcome.value for outcome in FAILURES])
    outside = (rows["outcome"] == Outcome.UNDEFINED.value) & rows["face"].isna()
    extra: dict[str, Any] = {
        "found": (~failed).astype(float).mask(outside),
        "over_similar": np.nan,
        "verified": np.nan,
    }
    if band is not None:
        extra["over_similar"] = (rows["sim_ref"] > band.high).astype(float).mask(rows["sim_ref"].isna())
    if judged is not None:
        extra["verified"] = (rows["sim_gt"] >= judged.threshold).astype(float).mask(rows["sim_gt"].isna())
    rows = rows.assign(**extra)
    forms = {
        m.name + FAILURE_AWARE: rows[m.name].mask(failed, m.failure_value)
        for m in [*all_person_metrics(), *DERIVED] if m.failure_value is not None
    }  # fmt: skip
    return rows.assign(**forms)


def _strict_group(
    rows: pd.DataFrame, models: list[str], settings: Settings, rng: np.random.Generator
) -> dict[str, Any]:
    names = [name for name in metric_declarations() if name in rows.columns]
    wide = rows.pivot(index=["cluster", "case", "seed", "person"], columns="model", values=names).sort_index()
    clusters = wide.index.get_level_values("cluster").to_numpy()
    columns = [(name, model) for model in models for name in names if (name, model) in wide.columns]
    estimates = estimate(
        wide[columns].to_numpy(float), clusters, rng, settings.resamples, settings.level, settings.interval
    )
    table: dict[str, dict[str, Any]] = {model: {} for model in models}
    for (name, model), one in zip(columns, estimates, strict=True):
        if one.n:
            table[model][name] = one.as_dict()
    outcomes = {
        str(model): {str(outcome): int(count) for outcome, count in part["outcome"].value_counts().sort_index().items()}
        for model, part in rows.groupby("model")
    }
    ranked = [model for model in models if model not in ORACLES]
    return {
        "models": table,
        "outcomes": outcomes,
        "people": int(rows[["case", "person"]].drop_duplicates().shape[0]),
        "clusters": len(set(clusters)),
        "several_people": bool((rows.groupby("case")["person"].max() > 0).any()),
        **_comparisons(wide, clusters, ranked, table, settings, rng),
        "tradeoff": _tradeoff(wide, clusters, ranked, settings, rng),
    }


def _comparisons(
    wide: pd.DataFrame,
    clusters: Any,
    models: list[str],
    table: dict[str, dict[str, Any]],
    settings: Settings,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Paired comparisons and shared ranks per compared metric."""
    several = bool((wide.index.get_level_values("person") > 0).any())
    floor = FLOOR["several" if several else "one"]
    comparisons: dict[str, list[dict[str, Any]]] = {}
    ranks: dict[str, dict[str, int]] = {}
    for name, direction in COMPARED:
        means = {m: table[m][name]["mean"] for m in models if name in table[m]}
        if name == "copy_paste":
            means = {m: v for m, v in means.items() if table[m]["sim_gt_failure_aware"]["mean"] >= floor}
        values = wide[[(name, model) for model in means]].to_numpy(float) if means else np.empty((0, 0))
        pairs: list[Comparison] = compare(
            values, list(means), clusters, rng, settings.resamples, settings.level, settings.interval
        )
        comparisons[name] = [pair.as_dict() for pair in pairs]
        ranks[name] = shared_ranks(means, pairs, direction)
    return {"comparisons": comparisons, "ranks": ranks, "copy_paste_floor": floor}


def _tradeoff(
    wide: pd.DataFrame, clusters: Any, models: list[str], settings: Settings, rng: np.random.Generator
) -> dict[str, Any]:
    """Pareto front, hypervolume, and signed distances from the line through the other models."""
    columns = [(n, m) for n in ("sim_gt_failure_aware", "copy_paste") for m in models if (n, m) in wide.columns]
    models = [m for m in models if ("copy_paste", m) in columns and ("sim_gt_failure_aware", m) in columns]
    if not models:
        return {"pareto": [], "hypervolume": 0.0, "line_distance": {}}
    k = len(models)
    values = wide[[("sim_gt_failure_aware", m) for m in models] + [("copy_paste", m) for m in models]].to_numpy(float)
    sums, counts = cluster_sums(values, clusters)
    with np.errstate(invalid="ignore", divide="ignore"):
        point = sums.sum(axis=0) / counts.sum(axis=0)
    draws = resampled_means(sums, counts, settings.resamples, rng) if len(sums) > 1 else np.full((1, 2 * k), np.nan)
    x, y = point[:k], point[k:]
    distances = line_distances(x, y)
    spread = line_distances(draws[:, :k], draws[:, k:])
    tails = [(1 - settings.level) / 2, (1 + settings.level) / 2]
    result: dict[str, Any] = {
        "pareto": [models[i] for i in pareto_front(x, y)],
        "hypervolume": hypervolume(x, y),
        "line_distance": {},
        "ellipses": {},
    }
    for i, model in enumerate(models):
        if np.isfinite(distances[i]):
            low, high = np.nanquantile(spread[:, i], tails) if np.isfinite(spread[:, i]).any() else (np.nan, np.nan)
            result["line_distance"][model] = {
                "mean": float(distances[i]), "low": _number(low), "high": _number(high),
            }  # fmt: skip
        pair = draws[:, [i, k + i]]
        pair = pair[np.isfinite(pair).all(axis=1)]
        if len(pair) > 2:
            result["ellipses"][model] = np.cov(pair.T).tolist()
    return result


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


# ---------------------------------------------------------------- paper


def _paper(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    groups = {name: {"models": _paper_models(part, models)} for name, part in _groups(rows).items()}
    return {"models": groups["all"]["models"], "groups": groups}


def _paper_models(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """The published summary per model, plus what its mean would be without single quirks."""
    table: dict[str, Any] = {}
    for model in models:
        part = rows[rows["model"] == model]
        table[model] = {
            name: entry for name in ("sim_gt", "sim_ref", "copy_paste", "blending", "rest_ref")
            if (entry := _paper_entry(part, name)) is not None
        }  # fmt: skip
    return table


def _paper_entry(rows: pd.DataFrame, name: str) -> dict[str, Any] | None:
    values = rows[name].dropna().to_list()
    found = statistics(values)
    if found is None:
        return None
    entry: dict[str, Any] = {"mean": found["mean"], "low": None, "high": None, "n": len(values)}
    entry |= {
        key: found[key] for key in ("std", "min", "max", "median", "q1", "q3", "outliers_removed", "outliers_percent")
    }
    entry["mean_with_outliers"] = float(np.mean(values))
    if (unpadded := f"{name}_unpadded") in rows.columns:
        plain = rows[unpadded].dropna()
        entry["mean_unpadded_with_outliers"] = float(plain.mean()) if len(plain) else None
    return entry


def _pooled_paper(rows: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """The published script's `average`: all recognizers' values in one list, outliers removed again."""
    return {name: {"models": _paper_models(part, models)} for name, part in _groups(rows).items()}


# ---------------------------------------------------------------- images


def _images(images: pd.DataFrame, models: list[str], settings: Settings) -> dict[str, Any]:
    """Recognizer-independent metrics and generation outcomes per model, for all cases and per subset."""
    names = [metric.name for metric in IMAGE_METRICS]
    result: dict[str, Any] = {}
    for group, rows in _groups(images).items():
        rng = settings.rng("images", group)
        table: dict[str, Any] = {}
        for model in models:
            part = rows[rows["model"] == model]
            estimates = estimate(
                part[names].to_numpy(float),
                part["cluster"].to_numpy(),
                rng,
                settings.resamples,
                settings.level,
            )
            table[model] = {n: e.as_dict() for n, e in zip(names, estimates, strict=True) if e.n}
            table[model]["outcomes"] = {str(k): int(v) for k, v in part["outcome"].value_counts().sort_index().items()}
            table[model]["prompts_cut"] = int(part["prompt_cut"].fillna(0).sum())
        result[group] = {"models": table}
    return result
