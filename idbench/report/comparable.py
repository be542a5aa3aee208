"""Which runs may be laid side by side: what they must have in common, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from pydantic import JsonValue

from idbench.config import RunConfig
from idbench.errors import RunError
from idbench.records.comparison import StatisticsRecord
from idbench.records.run import NetworkRecord
from idbench.records.summary import MetricDeclaration
from idbench.report.data import Protocol, RunData
from idbench.schema import one_line
from idbench.stats import Verification
from idbench.summary.metrics import declaration, metric_declarations

__all__ = [
    "Names",
    "check_comparable",
    "shared_protocols",
    "shared_recognizers",
    "statistics_of",
    "unshared_encoders",
    "verifications_of",
]

Names = Mapping[str, str]
"""A run's names of the shared recognizers -> the first run's."""

SAME_THRESHOLD = 0.01
"""Cosine; further apart are verification thresholds only where the suite's photos were measured otherwise."""

ENCODER_METRICS = {"clip": ("clip_i", "clip_t"), "aesthetic": ("aesthetic",)}
"""Encoder of whole images -> the metrics that come from it."""


def check_comparable(runs: Sequence[RunData]) -> None:
    """Raises `RunError`, one line that names two runs and what differs, unless their scores mean the same."""
    _check_suites(runs)
    _check_detection(runs)
    _check_metrics(runs)
    _check_places(runs)


def _check_suites(runs: Sequence[RunData]) -> None:
    first, *others = (run.suite.fingerprint for run in runs)
    for run, fingerprint in zip(runs[1:], others, strict=True):
        if fingerprint != first:
            raise RunError(
                f"{run.path} is on another suite than {runs[0].path} (fingerprint "
                f"{fingerprint[:12]}, expected {first[:12]}); only runs on the same suite can be compared"
            )


def _check_detection(runs: Sequence[RunData]) -> None:
    """The same faces were to be found."""
    first = _detection(runs[0])
    for run in runs[1:]:
        other = _detection(run)
        for key in dict.fromkeys([*first, *other]):
            if first.get(key) != other.get(key):
                raise RunError(
                    f"{runs[0].path} and {run.path} looked for faces differently: {key} "
                    f"{_shown(first.get(key))} and {_shown(other.get(key))}; score one of them again like the other"
                )


def _detection(run: RunData) -> dict[str, JsonValue]:
    """What decides which faces are found, and not what it was computed with; settings inside others as `a.b`."""
    detector = run.record.detector
    return _flat(detector.model_dump(mode="json", exclude={"providers", "licence"})) if detector else {}


def _flat(values: Mapping[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    flat: dict[str, JsonValue] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _shown(value: JsonValue) -> str:
    return "(not recorded)" if value is None else one_line(value, 80)


def _check_metrics(runs: Sequence[RunData]) -> None:
    """Numbers are computed anew with the metrics that are installed here."""
    here = {name: declaration(metric) for name, metric in metric_declarations().items()}
    for run in runs:
        declared = run.summary.metrics
        for name in dict.fromkeys([*here, *declared]):
            if _meaning(declared.get(name)) != _meaning(here.get(name)):
                raise RunError(
                    f"{run.path} was scored with another definition of the metric {one_line(name, 80)} than is "
                    "installed here; score it again"
                )


def _meaning(declared: MetricDeclaration | None) -> object:
    return declared and (declared.direction, declared.unit, declared.range)


def _check_places(runs: Sequence[RunData]) -> None:
    """A case is in one cluster and subset, whichever run tells."""
    columns = ["case", "cluster", "subset"]
    places = [(run, run.scores[columns].drop_duplicates("case").set_index("case")) for run in runs]
    first = pd.concat([place for _, place in places])
    first = first[~first.index.duplicated()]
    for run, place in places:
        other = (place != first.loc[place.index]).any(axis=1)
        if other.any():
            raise RunError(
                f"{run.path} has case {one_line(place.index[other][0], 80)} in another cluster or subset than "
                f"{runs[0].path}, though on the same suite; make one of them again"
            )


def identity_of(recognizer: NetworkRecord) -> tuple[str, ...]:
    """What two runs' recognizers must have in common to be one."""
    return repr(recognizer.weights), repr(recognizer.alignment), repr(recognizer.preprocessing)


def shared_recognizers(runs: Sequence[RunData]) -> list[Names]:
    """Per run, its names of the recognizers that all runs have, in the first run's order."""
    known = [
        {
            identity_of(found): name
            for name in reversed(run.recognizers)
            if (found := run.record.recognizers.get(name)) is not None
        }
        for run in runs
    ]
    shared = [key for key in known[0] if all(key in other for other in known)]
    if not shared:
        raise RunError("the runs share no recognizer with the same weights; score them with a common one to compare")
    shared.sort(key=lambda key: runs[0].recognizers.index(known[0][key]))
    return [{names[key]: known[0][key] for key in shared} for names in known]


def shared_protocols(runs: Sequence[RunData]) -> set[Protocol]:
    """Protocols that every run has."""
    shared = set.intersection(*(set(run.protocols) for run in runs))
    if not shared:
        raise RunError("the runs share no protocol: one was scored with strict only, another with paper only")
    return shared


def unshared_encoders(runs: Sequence[RunData]) -> dict[str, tuple[str, ...]]:
    """Encoders of whole images that not all runs have with the same weights -> their metrics."""
    encoders = [run.record.counts.encoders for run in runs]
    return {
        name: metrics
        for name, metrics in ENCODER_METRICS.items()
        if len({identity_of(known[name]) if name in known else () for known in encoders}) > 1
    }


def statistics_of(runs: Sequence[RunData], asked: RunConfig) -> StatisticsRecord:
    """The one set of settings: what was asked for, else what all runs have, else the default.

    A false accept rate cannot be had of tables: where rates differ, the strictest counts. Raises `RunError` if no run
    has the one that was asked for.
    """

    values: dict[str, JsonValue] = {}
    for field in StatisticsRecord.model_fields:
        found = {getattr(run.record.config, field) for run in runs}
        if field in asked.model_fields_set:
            values[field] = getattr(asked, field)
        elif field == "false_accept_rate":
            values[field] = min(found)
        else:
            values[field] = found.pop() if len(found) == 1 else RunConfig.model_fields[field].get_default()
    statistics = StatisticsRecord.model_validate(values)
    rates = {run.record.config.false_accept_rate for run in runs}
    if statistics.false_accept_rate not in rates:
        raise RunError(
            f"no run was scored with a false accept rate of {statistics.false_accept_rate:g}; expected one of "
            f"{', '.join(f'{rate:g}' for rate in sorted(rates))}"
        )
    return statistics


def verifications_of(runs: Sequence[RunData], recognizers: Sequence[Names], rate: float) -> dict[str, Verification]:
    """Each shared recognizer's verification at a false accept rate, of the first run that was scored with it.

    Raises `RunError` if another such run has another threshold.
    """
    chosen: dict[str, tuple[RunData, Verification]] = {}
    for run, names in zip(runs, recognizers, strict=True):
        for own, name in names.items():
            strict = run.summary.recognizers[own].strict
            if strict is None or strict.verification is None or run.record.config.false_accept_rate != rate:
                continue
            first, found = chosen.setdefault(name, (run, strict.verification))
            if abs(found.threshold - strict.verification.threshold) > SAME_THRESHOLD:
                raise RunError(
                    f"{first.path} and {run.path} have different verification thresholds of {name} at one false accept "
                    f"rate, {found.threshold:.3f} and {strict.verification.threshold:.3f}; score one of them again"
                )
    return {name: found for name, (_, found) in chosen.items()}
