"""Several runs on one suite, laid side by side: one table, paired comparisons across runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from idbench.errors import RunError
from idbench.records.run import NetworkRecord, RunRecord
from idbench.report.data import Protocol, RunData, load
from idbench.report.page import write
from idbench.store import write_json
from idbench.summary import Settings, summarise
from idbench.tables import ORDER

__all__ = ["write_comparison"]

Names = Mapping[str, str]
"""A run's names of the shared recognizers -> the first run's."""


def write_comparison(runs: list[Path], out: Path) -> Path:
    """Write `comparison.html`, `summary.json` and `tables/` of several runs to `out`; returns the page.

    Models keep their names; those that occur in several runs get the run's name added. Oracles are kept
    once. Raises `RunError` if the runs are on different suites or share no recognizer or protocol.
    """
    data = combine([load(run) for run in runs])
    write_json(out / "summary.json", data.summary.model_dump(mode="json", exclude_unset=True))
    return write(data, out / "comparison.html", out / "tables")


def combine(runs: Sequence[RunData]) -> RunData:
    """One `RunData` over the models of all runs, summarised anew."""
    if len(runs) < 2:
        raise RunError(f"expected two or more runs to compare, found {len(runs)}")
    _check_suites(runs)
    recognizers, protocols = _shared_recognizers(runs), _shared_protocols(runs)
    renamed = [_rename(run, name, runs, k) for k, (run, name) in enumerate(zip(runs, _names(runs), strict=True))]
    scores = _joined([_kept_scores(run, names) for run, names in zip(renamed, recognizers, strict=True)], "scores")
    scores = scores[scores["protocol"].isin(protocols)]
    images = _joined([run.images for run in renamed], "images")
    if images.duplicated(["model", "case", "seed"]).any():
        raise RunError("two models have the same name even with their runs' names added; rename a run directory")
    first, sources = runs[0], tuple(run.sources[0] for run in renamed)
    photos = first.suite_photos[first.suite_photos["recognizer"].isin(list(recognizers[0]))]
    strict = {name: first.summary.recognizers[name].strict for name in recognizers[0]}
    verifications = {name: one.verification for name, one in strict.items() if one and one.verification}
    variants = [model for source in sources for model in source.record.sweep_values]
    summary = summarise(scores, images, photos, verifications, _settings(first), variants)
    return RunData(sources, summary, scores, images, photos, tuple(_notes(runs, recognizers)))


def _settings(run: RunData) -> Settings:
    config = run.record.config
    return Settings(config.resamples, config.level, config.interval, config.statistics_seed)


def _check_suites(runs: Sequence[RunData]) -> None:
    first, *others = (run.suite.fingerprint for run in runs)
    for run, fingerprint in zip(runs[1:], others, strict=True):
        if fingerprint != first:
            raise RunError(
                f"{run.sources[0].path} is on another suite than {runs[0].sources[0].path} (fingerprint "
                f"{fingerprint[:12]}, expected {first[:12]}); only runs on the same suite can be compared"
            )


def _names(runs: Sequence[RunData]) -> list[str]:
    """Each run's name; equal ones are numbered."""
    names = [run.sources[0].name for run in runs]
    repeated = Counter(names)
    return [f"{name} #{i + 1}" if repeated[name] > 1 else name for i, name in enumerate(names)]


def _identity(recognizer: NetworkRecord) -> tuple[str, ...]:
    """What two runs' recognizers must have in common to be one."""
    return repr(recognizer.weights), repr(recognizer.alignment), repr(recognizer.preprocessing)


def _shared_recognizers(runs: Sequence[RunData]) -> list[Names]:
    """Per run, its names of the recognizers that all runs have."""
    known = [
        {_identity(found): name for name in reversed(run.recognizers) if (found := run.record.recognizers.get(name))}
        for run in runs
    ]
    shared = [key for key in known[0] if all(key in other for other in known)]
    if not shared:
        raise RunError("the runs share no recognizer with the same weights; score them with a common one to compare")
    shared.sort(key=lambda key: runs[0].recognizers.index(known[0][key]))
    return [{names[key]: known[0][key] for key in shared} for names in known]


def _shared_protocols(runs: Sequence[RunData]) -> set[Protocol]:
    shared = set.intersection(*(set(run.protocols) for run in runs))
    if not shared:
        raise RunError("the runs share no protocol: one was scored with strict only, another with paper only")
    return shared


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


def _kept_scores(run: RunData, names: Names) -> pd.DataFrame:
    kept = run.scores[run.scores["recognizer"].isin(list(names))]
    return kept.assign(recognizer=kept["recognizer"].map(names))


def _joined(parts: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """All rows in one order; the first run's recognizers and models come first."""
    joined = pd.concat([part.dropna(axis="columns", how="all") for part in parts], ignore_index=True)
    whole = joined.reindex(columns=list(dict.fromkeys(c for part in parts for c in part.columns)))
    return whole.sort_values(ORDER[name], kind="stable", ignore_index=True)


def _notes(runs: Sequence[RunData], recognizers: Sequence[Names]) -> list[str]:
    """What makes the runs less alike than the table suggests."""
    found = []
    if left_out := sorted({name for run in runs for name in run.recognizers} - set(recognizers[0])):
        found.append(f"Recognizers that not all runs share are left out: {', '.join(left_out)}.")
    if len({repr(_detection(run.record.detector)) for run in runs}) > 1:
        found.append(
            "The runs used different detectors or thresholds: differences between their models may come from that."
        )
    if len({tuple(sorted(run.images["seed"].unique())) for run in runs}) > 1:
        found.append("The runs used different seeds: each person's mean over seeds is compared.")
    if len({run.record.provenance.idbench for run in runs}) > 1:
        found.append("The runs were scored by different versions of idbench.")
    return found


def _detection(detector: NetworkRecord | None) -> dict[str, JsonValue]:
    """What decides which faces are found; not what it was computed with."""
    return detector.model_dump(exclude={"providers"}) if detector else {}
