"""Fidelity against copying: Pareto front, hypervolume, and distances from the line through the other models."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.records.summary import Distance, TradeOff
from idbench.stats import cluster_sums, hypervolume, line_distances, pareto_front, resampled_means
from idbench.summary.metrics import Settings

__all__ = ["trade_off"]

Array = npt.NDArray[np.float64]


def trade_off(
    wide: pd.DataFrame,
    models: list[str],
    competing: Sequence[str],
    variants: Collection[str],
    floor: float,
    settings: Settings,
    rng: np.random.Generator,
) -> TradeOff:
    """Pareto front, hypervolume, spread of each point, and signed distances from the line through the others.

    Models below the floor draw strangers and so tell nothing about the trade-off: they shape neither front
    nor line. Neither do variants of a sweep, unless there is nothing else; they are measured from the line.
    """
    if not models:
        return TradeOff(pareto=[], hypervolume=0.0, line_distance={}, ellipses={})
    point, draws = _points(wide, models, settings, rng)
    k = len(models)
    x, y = point[:k], point[k:]
    shaping = np.where(x >= floor, 0.0, np.nan)
    in_front = np.where(np.isin(models, competing), shaping, np.nan)
    varied = np.array([model in variants for model in models])
    spread = _line_distances(draws[:, :k] + shaping, draws[:, k:], varied)
    return TradeOff(
        pareto=[models[i] for i in pareto_front(x + in_front, y)],
        hypervolume=hypervolume(x + in_front, y),
        line_distance=_distances(models, _line_distances(x + shaping, y, varied), spread, settings.level),
        ellipses={m: c for i, m in enumerate(models) if (c := _covariance(draws[:, [i, k + i]])) is not None},
    )


def _points(wide: pd.DataFrame, models: list[str], settings: Settings, rng: np.random.Generator) -> tuple[Array, Array]:
    """Similarity (failures count 0) and copy-paste of every model (2m,), and of resamples (resamples, 2m)."""
    names = [(name, model) for name in ("sim_gt_failure_aware", "copy_paste") for model in models]
    values = wide.reindex(columns=pd.MultiIndex.from_tuples(names)).to_numpy(float)
    sums, counts = cluster_sums(values, wide.index.get_level_values("cluster").to_numpy())
    with np.errstate(invalid="ignore", divide="ignore"):
        point = sums.sum(axis=0) / counts.sum(axis=0)
    draws = resampled_means(sums, counts, settings.resamples, rng)
    draws[:, (counts > 0).sum(axis=0) < 2] = np.nan
    return point, draws


def _line_distances(x: Array, y: Array, varied: npt.NDArray[np.bool_]) -> Array:
    """`line_distances` from the line of the models that are not `varied` (m,); each of those is laid beside them."""
    distances = np.full(x.shape, np.nan)
    distances[..., ~varied] = line_distances(x[..., ~varied], y[..., ~varied])
    for i in np.flatnonzero(varied):
        beside = [*np.flatnonzero(~varied), i]
        distances[..., i] = line_distances(x[..., beside], y[..., beside])[..., -1]
    return distances


def _distances(models: list[str], distances: Array, spread: Array, level: float) -> dict[str, Distance]:
    """Each model's distance (m,) with the quantiles of its resamples (resamples, m)."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for i, model in enumerate(models):
        if np.isfinite(distances[i]):
            draws = spread[np.isfinite(spread[:, i]), i]
            low, high = (float(end) for end in np.quantile(draws, tails)) if len(draws) else (None, None)
            found[model] = Distance(mean=float(distances[i]), low=low, high=high)
    return found


def _covariance(draws: Array) -> list[list[float]] | None:
    """Covariance (2, 2) of resampled points; None without enough of them."""
    draws = draws[np.isfinite(draws).all(axis=1)]
    return [[float(v) for v in row] for row in np.cov(draws.T)] if len(draws) > 2 else None
