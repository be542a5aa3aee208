"""What makes compared runs less alike than their common table suggests, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from idbench.records.comparison import StatisticsRecord
from idbench.report.comparable import Names, unshared_encoders
from idbench.report.data import RunData

__all__ = ["differences"]

SAME_LIKENESS = 0.01
"""Cosine; other processors and libraries move a similarity by less."""


def differences(runs: Sequence[RunData], recognizers: Sequence[Names], statistics: StatisticsRecord) -> Iterator[str]:
    """runs : by the names they have here. recognizers : what they share. statistics : how all is computed."""
    yield from _about_statistics(runs, statistics)
    shared = zip(runs, recognizers, strict=True)
    if left_out := sorted({name for run, names in shared for name in run.recognizers if name not in names}):
        yield f"Recognizers that not all runs share are left out: {', '.join(left_out)}."
    for name, metrics in unshared_encoders(runs).items():
        yield f"Not all runs used the same weights of {name}: {' and '.join(metrics)} are left out."
    if len({tuple(sorted(run.images["seed"].unique())) for run in runs}) > 1:
        yield "The runs used different seeds: each person's mean over seeds is compared."
    if len(versions := {run.record.provenance.idbench for run in runs}) > 1:
        yield f"The runs were scored by different versions of idbench: {', '.join(sorted(versions))}."
    yield from _about_photos(runs, recognizers)


def _about_statistics(runs: Sequence[RunData], statistics: StatisticsRecord) -> Iterator[str]:
    for field, value in statistics:
        given = {run.sources[0].name: getattr(run.record.config, field) for run in runs}
        if len(set(given.values())) > 1:
            each = ", ".join(f"{name}: {one}" for name, one in given.items())
            yield f"The runs were made with different settings of {field} ({each}); everything here is with {value}."


def _about_photos(runs: Sequence[RunData], recognizers: Sequence[Names]) -> Iterator[str]:
    """Photos of the suite that the same recognizer measured otherwise."""
    keys = ["case", "person", "recognizer"]
    parts = [
        run.suite_photos.assign(recognizer=run.suite_photos["recognizer"].map(names))[[*keys, "sim_tr"]]
        for run, names in zip(runs, recognizers, strict=True)
    ]
    measured = pd.concat(parts).dropna(subset=["recognizer"]).groupby(keys)["sim_tr"]
    spread = measured.max() - measured.min()
    if (spread > SAME_LIKENESS).any():
        yield (
            f"The runs measured {int((spread > SAME_LIKENESS).sum())} of {len(spread)} pairs of the suite's own photos "
            f"differently, by up to {spread.max():.3f}: their machines or libraries differ, or a file was changed."
        )
