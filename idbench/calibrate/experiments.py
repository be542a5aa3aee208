"""The repeated experiments of a calibration: coverage, equal models, and models that differ by a known amount."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from idbench.calibrate.repeats import coverage, false_alarms, pool_of, power
from idbench.calibrate.sweeps import FAILING, POOL, RIVALS, TWIN
from idbench.calibrate.verdicts import Rate
from idbench.stats import Method
from idbench.summary import Settings
from idbench.summary.derived import with_derived

__all__ = ["METHODS", "METRICS", "SIZE", "SIZES", "Repeated", "repeat_experiments"]

METRICS = {
    "sim_gt": "similarity to the target",
    "copy_paste": "copy-paste",
    "sim_gt_failure_aware": "failure-aware similarity",
}

SIZES = (12, 25, 50, 100)
"""Clusters per repeat."""

SIZE = SIZES[-1]
"""The size that is checked; the smaller ones show from how many clusters on the numbers can be trusted."""

Kind = Literal["coverage", "equal", "power"]
METHODS: dict[str, str] = {"percentile": "percentile", "bca": "BCa"}


@dataclass(frozen=True)
class Repeated:
    """One experiment at one size: `what` is the kind of interval (coverage) or the difference in copying (power)."""

    kind: Kind
    recognizer: str
    metric: str
    what: str
    clusters: int
    rate: Rate

    def as_dict(self) -> dict[str, Any]:
        """For calibration.json."""
        about = {"kind": self.kind, "recognizer": self.recognizer, "metric": self.metric, "what": self.what}
        return about | {"clusters": self.clusters} | asdict(self.rate)


@dataclass(frozen=True)
class Experiment:
    """What is repeated: a function of a pool of `models`, a number of clusters, repeats and a generator."""

    kind: Kind
    metric: str
    what: str
    models: tuple[str, ...]
    run: Callable[..., Rate]


def _experiments() -> Iterator[Experiment]:
    yield Experiment("coverage", "sim_gt_failure_aware", "percentile", (FAILING,), _covering("percentile"))
    for metric in ("sim_gt", "copy_paste"):
        yield Experiment("coverage", metric, "percentile", (POOL,), _covering("percentile"))
        yield Experiment("coverage", metric, "bca", (POOL,), _covering("bca"))
        yield Experiment("equal", metric, "", (POOL, TWIN), false_alarms)
    for delta, rival in RIVALS.items():
        yield Experiment("power", "copy_paste", f"{delta:g}", (POOL, TWIN, rival), power)


def _covering(method: Method) -> Callable[..., Rate]:
    return lambda pool, clusters, repeats, rng: coverage(pool, clusters, method, repeats, rng)


def repeat_experiments(
    scores: pd.DataFrame,
    photos: pd.DataFrame,
    recognizers: Sequence[str],
    repeats: int,
    settings: Settings,
    progress: Callable[[str, int, int], None],
) -> list[Repeated]:
    """Every experiment at every size, `repeats` times each, from scores.parquet and suite.parquet."""
    wanted = [(name, one, size) for name in recognizers for one in _experiments() for size in SIZES]
    rows = {
        name: with_derived(scores[scores["recognizer"] == name], photos[photos["recognizer"] == name])
        for name in recognizers
    }
    found = []
    for done, (name, one, size) in enumerate(wanted):
        progress("repeated experiments", done, len(wanted))
        rng = settings.rng("repeats", one.kind, name, one.metric, one.what, str(size))
        pool = pool_of(rows[name], name, one.metric, one.models)
        found.append(Repeated(one.kind, name, one.metric, one.what, size, one.run(pool, size, repeats, rng)))
    progress("repeated experiments", len(wanted), len(wanted))
    return found
