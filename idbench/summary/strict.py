"""Numbers of the strict protocol: estimates, comparisons, ranks, recognizer quality."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from idbench.records import ORACLES
from idbench.records.summary import ModelSummary, StrictGroup, StrictSummary
from idbench.stats import (
    Band,
    Comparison,
    LikenessScale,
    Verification,
    compare,
    likeness_scale,
    natural_band,
    shared_ranks,
    smallest_p,
)
from idbench.summary.copying import PARTS, Copying, copy_shares
from idbench.summary.derived import per_image, with_derived
from idbench.summary.estimates import estimates
from idbench.summary.metrics import COPY_SHARE, Settings, groups_of, metric_declarations
from idbench.summary.pairs import unusable_pairs
from idbench.summary.tradeoff import trade_off

__all__ = ["COMPARED", "NEEDED_FOR", "StrictRows", "summarise_strict"]

COMPARED: tuple[tuple[str, Literal["higher", "lower"]], ...] = (
    ("likeness_failure_aware", "higher"),
    ("copy_share_failure_aware", "lower"),
    ("sim_gt_failure_aware", "higher"),
    ("copy_paste_failure_aware", "lower"),
)
"""Metrics on which models are compared pairwise, and which way is better. All count failures at their
worst, so that withholding an image never helps."""

NEEDED_FOR = {
    "copy_share_failure_aware": ("likeness_failure_aware", {"one": 0.77, "several": 0.67}),
    "copy_paste_failure_aware": ("sim_gt_failure_aware", {"one": 0.40, "several": 0.35}),
}
"""Metrics of copying rank a model only from so much of another metric on, with one and with several people per case:
below it shows strangers, who copy nobody. Source of the similarities: arXiv 2510.14975, Fig. 5, where photos of one
person have .52; the likenesses are these as shares of .52."""


@dataclass(frozen=True)
class StrictRows:
    """One recognizer's strict rows of scores.parquet with every derived column, and what the suite's photos say.

    unusable : why the pairs of photos of which people cannot tell copying, counted.
    """

    rows: pd.DataFrame
    band: Band | None
    scale: LikenessScale | None
    copying: Copying
    unusable: dict[str, int]

    @classmethod
    def of(cls, rows: pd.DataFrame, photos: pd.DataFrame, verification: Verification | None) -> StrictRows:
        """From its rows of scores.parquet and suite.parquet, and from how well it tells people apart."""
        reasons = unusable_pairs(photos["sim_tr"], verification)
        band, copying = natural_band(photos["sim_tr"]), Copying.of(photos, verification)
        scale = likeness_scale(photos.loc[reasons == "", "sim_tr"], verification)
        derived = copying.added_to(per_image(with_derived(rows, photos, band, verification, scale)))
        counted = reasons[reasons != ""].value_counts()
        return cls(derived, band, scale, copying, {str(why): int(count) for why, count in counted.items()})


def summarise_strict(
    recognizer: str, found: StrictRows, models: list[str], settings: Settings, variants: Collection[str] = ()
) -> StrictSummary:
    """Every number of one recognizer, for all cases and per subset.

    models in the order of the tables; variants : those that do not shape the trade-off line.
    """
    groups = {
        name: _group(part, models, settings, variants, (recognizer, "strict", name))
        for name, part in groups_of(found.rows).items()
    }
    return StrictSummary(
        groups=groups,
        natural_band=found.band,
        verification=found.copying.verification,
        likeness_scale=found.scale,
        copy_threshold=found.copying.threshold,
        unusable_pairs=found.unusable,
    )


def _group(
    rows: pd.DataFrame, models: list[str], settings: Settings, variants: Collection[str], labels: tuple[str, ...]
) -> StrictGroup:
    names = [name for name in metric_declarations() if name in rows.columns]
    index = ["cluster", "case", "seed", "person"]
    wide = rows.pivot(index=index, columns="model", values=[*names, *PARTS]).sort_index()
    table = estimates(wide, models, names, settings, settings.rng(*labels, "estimates"))
    for model, one in copy_shares(wide, models, settings, settings.rng(*labels, "copy share")).items():
        table[model][COPY_SHARE.name] = one
    ranked = [model for model in models if model not in ORACLES]
    competing = [model for model in ranked if model not in variants] or ranked
    several = bool((rows["person"] > 0).any())
    floors = {name: least["several" if several else "one"] for name, (_, least) in NEEDED_FOR.items()}
    seeds_differ = _seeds_differ(rows, ranked)
    paired = wide.groupby(level=["cluster", "case", "person"]).mean() if seeds_differ else wide
    comparisons, ranks = _comparisons(paired, competing, table, floors, settings, labels)
    return StrictGroup(
        models=table,
        outcomes=_outcomes(rows),
        people=int(rows[["case", "person"]].drop_duplicates().shape[0]),
        clusters=wide.index.get_level_values("cluster").nunique(),
        several_people=several,
        copy_paste_floor=floors["copy_paste_failure_aware"],
        copy_share_floor=floors["copy_share_failure_aware"],
        comparisons=comparisons,
        ranks=ranks,
        smallest_p=smallest_p(wide.index.get_level_values("cluster").nunique(), settings.resamples),
        paired_on="case and person" if seeds_differ else "case, seed and person",
        tradeoff=trade_off(
            wide,
            ranked,
            competing,
            variants,
            floors["copy_paste_failure_aware"],
            settings,
            settings.rng(*labels, "trade-off"),
        ),
    )


def _outcomes(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {
        str(model): {str(outcome): int(count) for outcome, count in part["outcome"].value_counts().sort_index().items()}
        for model, part in rows.groupby("model")
    }


def _seeds_differ(rows: pd.DataFrame, models: list[str]) -> bool:
    """Whether models have different seeds; then each person's mean over seeds is compared, not single images."""
    seeds = {frozenset(part["seed"]) for _, part in rows[rows["model"].isin(models)].groupby("model")}
    return len(seeds) > 1


def _comparisons(
    paired: pd.DataFrame,
    competing: Sequence[str],
    table: dict[str, ModelSummary],
    floors: Mapping[str, float],
    settings: Settings,
    labels: tuple[str, ...],
) -> tuple[dict[str, list[Comparison]], dict[str, dict[str, int]]]:
    """Paired comparisons and shared ranks per compared metric.

    Compared are all models but the values of a sweep, where there are others: the best of several settings, chosen on
    the same cases, is no fair competitor, and their many pairs would cost the others significance.
    """
    comparisons: dict[str, list[Comparison]] = {}
    ranks: dict[str, dict[str, int]] = {}
    clusters = paired.index.get_level_values("cluster").to_numpy()
    for name, direction in COMPARED:
        if name not in paired.columns.get_level_values(0):
            continue
        means = {m: mean for m in competing if name in table[m] and (mean := table[m][name].mean) is not None}
        if name in floors:
            means = {m: mean for m, mean in means.items() if _reaches(table[m], NEEDED_FOR[name][0], floors[name])}
        values = paired[[(name, model) for model in means]].to_numpy(float) if means else np.empty((0, 0))
        comparisons[name] = compare(
            values,
            list(means),
            clusters,
            settings.rng(*labels, name),
            settings.resamples,
            settings.level,
            settings.interval,
        )
        ranks[name] = shared_ranks(means, comparisons[name], direction)
    return comparisons, ranks


def _reaches(model: ModelSummary, needed: str, least: float) -> bool:
    """Whether a model is similar enough for its copying to mean anything."""
    similarity = model.get(needed)
    return similarity is not None and similarity.mean is not None and similarity.mean >= least
