"""Numbers of the strict protocol: estimates, comparisons, ranks, trade-off, judge."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import pandas as pd

from idbench.metrics import all_person_metrics
from idbench.records import FAILURES, ORACLES, Outcome
from idbench.stats import (
    ONE_PHOTO,
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
from idbench.summary.metrics import DERIVED, FAILURE_AWARE, Settings, groups_of, metric_declarations

__all__ = ["COMPARED", "FLOOR", "summarise_strict", "with_derived"]

COMPARED: tuple[tuple[str, Literal["higher", "lower"]], ...] = (
    ("sim_gt_failure_aware", "higher"),
    ("copy_paste_failure_aware", "lower"),
)
"""Metrics on which models are compared pairwise, and which way is better. Both count failures at their
worst, so that withholding an image never helps."""

PER_IMAGE = ("blending", "slot_accuracy")

FLOOR = {"one": 0.40, "several": 0.35}
"""Failure-aware sim_gt below which a model's copy-paste is not ranked (arXiv 2510.14975, Fig. 5)."""


def summarise_strict(
    recognizer: str,
    rows: pd.DataFrame,
    photos: pd.DataFrame,
    judged: Verification | None,
    models: list[str],
    settings: Settings,
    variants: Collection[str] = (),
) -> dict[str, Any]:
    """Every number of one recognizer, for all cases and per subset.

    rows : its strict rows of scores.parquet; photos : its rows of suite.parquet; judged : how well it tells
    people apart; models in the order of the tables; variants : those that do not shape the trade-off line.
    """
    band = natural_band(photos["sim_tr"])
    rows = _per_image(with_derived(rows, photos, band, judged))
    groups = {
        name: _strict_group(part, models, settings, variants, (recognizer, "strict", name))
        for name, part in groups_of(rows).items()
    }
    return {
        "models": groups["all"]["models"],
        "groups": groups,
        "natural_band": band.as_dict() if band else None,
        "verification": judged.as_dict() if judged else None,
    }


def with_derived(
    rows: pd.DataFrame, photos: pd.DataFrame, band: Band | None = None, judged: Verification | None = None
) -> pd.DataFrame:
    """Add found, over_similar, verified, and the failure-aware forms.

    A failure counts only where a success would have: where the suite's own photos define the metric.
    """
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
    forms = {}
    for metric in (*all_person_metrics(), *DERIVED):
        if metric.failure_value is not None and not (metric.name == "verified" and judged is None):
            counted = failed & _defined(rows, photos, metric.needs)
            forms[metric.name + FAILURE_AWARE] = rows[metric.name].mask(counted, metric.failure_value)
    return rows.assign(**forms)


def _defined(rows: pd.DataFrame, photos: pd.DataFrame, needs: tuple[str, ...]) -> Any:
    """Which rows' people have, in the suite, the faces a metric needs; two of them in two photos."""
    people = photos.set_index(["case", "person"])
    defined = pd.Series(True, index=people.index)
    for face in needs:
        defined &= people[f"{face}_x1"].notna()
    if len(needs) > 1:
        defined &= people["sim_tr"] < ONE_PHOTO
    keys = pd.MultiIndex.from_frame(rows[["case", "person"]])
    return defined.reindex(keys, fill_value=False).to_numpy()


def _per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """Blending and slot accuracy are numbers of an image: their mean over its people stands in its first row."""
    first = ~rows.duplicated(["model", "case", "seed"])
    means = rows.groupby(["model", "case", "seed"])[list(PER_IMAGE)].transform("mean")
    return rows.assign(**{name: means[name].where(first) for name in PER_IMAGE})


def _strict_group(
    rows: pd.DataFrame, models: list[str], settings: Settings, variants: Collection[str], labels: tuple[str, ...]
) -> dict[str, Any]:
    names = [name for name in metric_declarations() if name in rows.columns]
    wide = rows.pivot(index=["cluster", "case", "seed", "person"], columns="model", values=names).sort_index()
    clusters = wide.index.get_level_values("cluster").to_numpy()
    columns = [(name, model) for model in models for name in names if (name, model) in wide.columns]
    estimates = estimate(
        wide[columns].to_numpy(float),
        clusters,
        settings.rng(*labels, "estimates"),
        settings.resamples,
        settings.level,
        settings.interval,
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
    several = bool((rows["person"] > 0).any())
    floor = FLOOR["several" if several else "one"]
    return {
        "models": table,
        "outcomes": outcomes,
        "people": int(rows[["case", "person"]].drop_duplicates().shape[0]),
        "clusters": len(set(clusters)),
        "several_people": several,
        "copy_paste_floor": floor,
        **_comparisons(_paired(wide, rows, ranked), _competing(ranked, variants), table, floor, settings, labels),
        "paired_on": "case and person" if _seeds_differ(rows, ranked) else "case, seed and person",
        "tradeoff": _tradeoff(wide, clusters, ranked, variants, floor, settings, settings.rng(*labels, "trade-off")),
    }


def _competing(models: list[str], variants: Collection[str]) -> list[str]:
    """Models that are compared and ranked: all but the values of a sweep, where there are others.

    The best of several settings, chosen on the same cases, is no fair competitor; and their many pairs would cost
    the others significance in Holm's adjustment.
    """
    return [model for model in models if model not in variants] or models


def _seeds_differ(rows: pd.DataFrame, models: list[str]) -> bool:
    seeds = {frozenset(part["seed"]) for _, part in rows[rows["model"].isin(models)].groupby("model")}
    return len(seeds) > 1


def _paired(wide: pd.DataFrame, rows: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """What is compared: single images, or each person's mean over seeds where the models' seeds differ."""
    return wide.groupby(level=["cluster", "case", "person"]).mean() if _seeds_differ(rows, models) else wide


def _comparisons(
    paired: pd.DataFrame,
    models: list[str],
    table: dict[str, dict[str, Any]],
    floor: float,
    settings: Settings,
    labels: tuple[str, ...],
) -> dict[str, Any]:
    """Paired comparisons and shared ranks per compared metric."""
    comparisons: dict[str, list[dict[str, Any]]] = {}
    ranks: dict[str, dict[str, int]] = {}
    clusters = paired.index.get_level_values("cluster").to_numpy()
    for name, direction in COMPARED:
        means = {m: table[m][name]["mean"] for m in models if name in table[m]}
        if name != "sim_gt_failure_aware":
            means = {m: v for m, v in means.items() if _above(table[m], floor)}
        values = paired[[(name, model) for model in means]].to_numpy(float) if means else np.empty((0, 0))
        pairs: list[Comparison] = compare(
            values,
            list(means),
            clusters,
            settings.rng(*labels, name),
            settings.resamples,
            settings.level,
            settings.interval,
        )
        comparisons[name] = [pair.as_dict() for pair in pairs]
        ranks[name] = shared_ranks(means, pairs, direction)
    return {"comparisons": comparisons, "ranks": ranks}


def _above(values: dict[str, Any], floor: float) -> bool:
    return "sim_gt_failure_aware" in values and bool(values["sim_gt_failure_aware"]["mean"] >= floor)


def _tradeoff(
    wide: pd.DataFrame,
    clusters: Any,
    models: list[str],
    variants: Collection[str],
    floor: float,
    settings: Settings,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Pareto front, hypervolume, spread of each point, and signed distances from the line through the others.

    Models below the floor draw strangers and so tell nothing about the trade-off: they shape neither front
    nor line. Neither do variants of a sweep, unless there is nothing else; they are measured from the line.
    """
    names = [(name, model) for name in ("sim_gt_failure_aware", "copy_paste") for model in models]
    if not names:
        return {"pareto": [], "hypervolume": 0.0, "line_distance": {}, "ellipses": {}}
    values = wide.reindex(columns=pd.MultiIndex.from_tuples(names)).to_numpy(float)
    sums, counts = cluster_sums(values, clusters)
    with np.errstate(invalid="ignore", divide="ignore"):
        point = sums.sum(axis=0) / counts.sum(axis=0)
    draws = resampled_means(sums, counts, settings.resamples, rng)
    draws[:, (counts > 0).sum(axis=0) < 2] = np.nan
    k = len(models)
    x, y = point[:k], point[k:]
    shaping = np.where(x >= floor, 0.0, np.nan)
    varied = np.array([model in variants for model in models])
    competing = np.isin(models, _competing(models, variants))
    in_front = np.where(competing, shaping, np.nan)
    spread = _line_distances(draws[:, :k] + shaping, draws[:, k:], varied)
    return {
        "pareto": [models[i] for i in pareto_front(x + in_front, y)],
        "hypervolume": hypervolume(x + in_front, y),
        "line_distance": _distances(models, _line_distances(x + shaping, y, varied), spread, settings.level),
        "ellipses": {m: c for i, m in enumerate(models) if (c := _covariance(draws[:, [i, k + i]])) is not None},
    }


def _line_distances(x: Any, y: Any, varied: Any) -> Any:
    """`line_distances` from the line of the models that are not `varied` (m,); each of those is laid beside them."""
    distances = np.full(x.shape, np.nan)
    distances[..., ~varied] = line_distances(x[..., ~varied], y[..., ~varied])
    for i in np.flatnonzero(varied):
        beside = [*np.flatnonzero(~varied), i]
        distances[..., i] = line_distances(x[..., beside], y[..., beside])[..., -1]
    return distances


def _distances(models: list[str], distances: Any, spread: Any, level: float) -> dict[str, Any]:
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for i, model in enumerate(models):
        if np.isfinite(distances[i]):
            draws = spread[np.isfinite(spread[:, i]), i]
            low, high = np.quantile(draws, tails) if len(draws) else (np.nan, np.nan)
            found[model] = {"mean": float(distances[i]), "low": _number(low), "high": _number(high)}
    return found


def _covariance(draws: Any) -> list[list[float]] | None:
    """Covariance (2, 2) of resampled points; None without enough of them."""
    draws = draws[np.isfinite(draws).all(axis=1)]
    return [[float(v) for v in row] for row in np.cov(draws.T)] if len(draws) > 2 else None


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
