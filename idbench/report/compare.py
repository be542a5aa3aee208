"""Several runs on one suite, laid side by side: one table, paired comparisons across runs.

Nothing depends on the order in which runs are named: they are sorted first, by name and content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from idbench.config import RunConfig, load_config
from idbench.errors import RunError
from idbench.progress import Warn, as_python_warning
from idbench.records.comparison import StatisticsRecord
from idbench.records.run import RunRecord
from idbench.report.comparable import (
    Names,
    check_comparable,
    shared_protocols,
    shared_recognizers,
    statistics_of,
    unshared_encoders,
    verifications_of,
)
from idbench.report.comparison_folder import check_free, finish, keep, open_runs, read_comparison
from idbench.report.data import RunData
from idbench.report.differences import differences
from idbench.report.lacking import lacking
from idbench.report.page import write
from idbench.schema import one_line
from idbench.store import write_json
from idbench.summary import Settings, summarise
from idbench.tables import ORDER

__all__ = ["rewrite_comparison", "write_comparison"]


def write_comparison(
    runs: Sequence[Path], out: Path, asked: RunConfig | None = None, warn: Warn = as_python_warning
) -> Path:
    """Write `comparison.html`, `summary.json`, `tables/`, and a copy of the runs' tables to `out`; returns the page.

    runs : run directories and comparisons, which stand for the runs they hold. asked : whose fields that were set,
    of those that a comparison can compute anew (`StatisticsRecord`), count for all runs. warn : is told what is odd.

    Models keep their names; those that occur in several runs get the run's name added. Oracles are kept
    once. Raises `RunError` if the runs are on different suites, if their faces were found or their scores were
    defined differently, or if they share no recognizer or protocol.
    """
    check_free(out, runs)
    opened = open_runs(runs)
    data, statistics = combine(opened, asked or RunConfig())
    record = keep(opened, statistics, out)
    page = _write(data, out, warn)
    finish(out, record)
    return page


def rewrite_comparison(comparison: Path, warn: Warn = as_python_warning) -> Path:
    """Write a comparison's page, summary and tables again, from its directory alone; returns the page."""
    stated = load_config(None, read_comparison(comparison).statistics.model_dump())
    data, _ = combine(open_runs([comparison]), stated)
    return _write(data, comparison, warn)


def _write(data: RunData, out: Path, warn: Warn) -> Path:
    for note in data.notes:
        warn(one_line(note, 1000))
    write_json(out / "summary.json", data.summary.model_dump(mode="json", exclude_unset=True))
    return write(data, out / "comparison.html", out / "tables")


def combine(runs: Sequence[RunData], asked: RunConfig) -> tuple[RunData, StatisticsRecord]:
    """One `RunData` over the models of all runs, summarised anew, and the settings of that."""
    if len(runs) < 2:
        raise RunError(f"expected two or more runs to compare, found {len(runs)}")
    check_comparable(runs)
    recognizers, statistics = shared_recognizers(runs), statistics_of(runs, asked)
    verifications = verifications_of(runs, recognizers, statistics.false_accept_rate)
    renamed = [_rename(run, name, runs, k) for k, (run, name) in enumerate(zip(runs, _names(runs), strict=True))]
    scores = _scores(renamed, recognizers)
    images = _images(renamed)
    photos = _photos(renamed, recognizers)
    sources = tuple(run.sources[0] for run in renamed)
    variants = [model for source in sources for model in source.record.sweep_values]
    settings = Settings(statistics.resamples, statistics.level, statistics.interval, statistics.statistics_seed)
    summary = summarise(scores, images, photos, verifications, settings, variants)
    notes = (*differences(renamed, recognizers, statistics), *_lacking(renamed))
    return RunData(sources, summary, scores, images, photos, notes, statistics), statistics


def _names(runs: Sequence[RunData]) -> list[str]:
    """Each run's name; equal ones are numbered."""
    names = [run.sources[0].name for run in runs]
    repeated, seen = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} #{seen[name]}" if repeated[name] > 1 else name)
    return numbered


def _rename(run: RunData, name: str, runs: Sequence[RunData], position: int) -> RunData:
    """Models that another run has too get the run's name; oracles stay with the first run that has them."""
    elsewhere = {m for k, other in enumerate(runs) if k != position for m in other.evaluated}
    earlier = {m for other in runs[:position] for m in other.oracles}
    names = {m: f"{m} ({name})" for m in run.evaluated if m in elsewhere}
    scores, images = (
        frame[~frame["model"].isin(earlier)].assign(model=lambda part: part["model"].replace(names))
        for frame in (run.scores, run.images)
    )
    source = replace(run.sources[0], name=name, record=_renamed_record(run.record, names))
    return replace(run, sources=(source,), scores=scores, images=images)


def _renamed_record(record: RunRecord, names: Names) -> RunRecord:
    """The record with the models' new names wherever it lists them."""
    counts = record.counts
    surplus = {names.get(m, m): files for m, files in counts.surplus_files.items()}
    not_tried = {names.get(m, m): count for m, count in counts.not_tried.items()}
    models = {names.get(m, m): one for m, one in record.models.items()}
    counts = counts.model_copy(update={"surplus_files": surplus, "not_tried": not_tried})
    return record.model_copy(update={"counts": counts, "models": models})


def _scores(runs: Sequence[RunData], recognizers: Sequence[Names]) -> pd.DataFrame:
    """Rows of what all runs share."""
    parts = [_of_shared(run.scores, names) for run, names in zip(runs, recognizers, strict=True)]
    joined = _joined(parts, "scores")
    return joined[joined["protocol"].isin(shared_protocols(runs))]


def _images(runs: Sequence[RunData]) -> pd.DataFrame:
    joined = _joined([run.images for run in runs], "images")
    if joined.duplicated(["model", "case", "seed"]).any():
        raise RunError("two models have the same name even with their runs' names added; rename a run directory")
    unshared = [metric for metrics in unshared_encoders(runs).values() for metric in metrics]
    return joined.assign(**dict.fromkeys(unshared, float("nan")))


def _photos(runs: Sequence[RunData], recognizers: Sequence[Names]) -> pd.DataFrame:
    """The suite's photos as the first run that has them measured them."""
    parts = [_of_shared(run.suite_photos, names) for run, names in zip(runs, recognizers, strict=True)]
    joined = pd.concat(parts, ignore_index=True).drop_duplicates(["case", "person", "recognizer"])
    return joined.sort_values(ORDER["suite"], kind="stable", ignore_index=True)


def _of_shared(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    kept = rows[rows["recognizer"].isin(list(names))]
    return kept.assign(recognizer=kept["recognizer"].map(names))


def _joined(parts: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """All rows in one order; the first run's recognizers and models come first."""
    joined = pd.concat([part.dropna(axis="columns", how="all") for part in parts], ignore_index=True)
    whole = joined.reindex(columns=list(dict.fromkeys(c for part in parts for c in part.columns)))
    return whole.sort_values(ORDER[name], kind="stable", ignore_index=True)


def _lacking(runs: Sequence[RunData]) -> Iterator[str]:
    """What each run lacks of what any of them knows of the suite."""
    known = {case for run in runs for case in (*run.suite_photos["case"].unique(), *run.images["case"].unique())}
    for run in runs:
        for line in lacking(run.suite.cases, run.scores, run.images, run.suite_photos, known):
            yield f"Run {run.sources[0].name}: {line}"
