"""What a report is made from: the tables and records of one run, or of several laid side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd

from idbench.errors import RunError
from idbench.metrics.catalog import METRICS_EDITION
from idbench.records.comparison import StatisticsRecord
from idbench.records.run import RunRecord, SuiteRecord
from idbench.records.summary import PaperSummary, StrictGroup, StrictSummary, Summary
from idbench.render.table import Column, Quantity
from idbench.report.contradictions import contradictions, other_means
from idbench.report.facts import ModelFacts, facts_of
from idbench.report.lacking import lacking
from idbench.report.plausible import check_plausible
from idbench.report.sweeps import Sweep, find_sweeps
from idbench.run_files import read_record
from idbench.summary import SUMMARY_VERSION
from idbench.tables import read_tables

__all__ = ["Protocol", "RunData", "Source", "Values", "finished_record", "load", "read_summary"]

Protocol = Literal["strict", "paper"]
Values = Mapping[str, Mapping[str, Quantity]]
"""model -> metric -> its mean, of one recognizer, protocol and group."""
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A run directory and its record (`run.json`)."""

    name: str
    path: Path
    record: RunRecord


@dataclass(frozen=True)
class RunData:
    """Everything the report reads. `sources` has one entry for a run, several for a comparison.

    scores, images, suite_photos : the tables scores.parquet, images.parquet and suite.parquet.
    notes : what is odd about it, one sentence each. statistics : settings of a comparison; None for a run, whose own
    record has them.
    """

    sources: tuple[Source, ...]
    summary: Summary
    scores: pd.DataFrame
    images: pd.DataFrame
    suite_photos: pd.DataFrame
    notes: tuple[str, ...] = ()
    statistics: StatisticsRecord | None = None

    @property
    def path(self) -> Path:
        """The first run's directory."""
        return self.sources[0].path

    @cached_property
    def resamples(self) -> int:
        """Bootstrap resamples of every interval."""
        return (self.statistics or self.record.config).resamples

    @cached_property
    def record(self) -> RunRecord:
        """The first run's record."""
        return self.sources[0].record

    @cached_property
    def suite(self) -> SuiteRecord:
        """The suite, the same in all runs. Raises `RunError` if the run has not read it."""
        if self.record.suite is None:
            raise _unfinished(self.sources[0].path)
        return self.record.suite

    @cached_property
    def recognizers(self) -> list[str]:
        """In the order they were named; the first gives the headline."""
        named = [name for name in self.record.recognizers if name in self.summary.recognizers]
        return named or list(self.summary.recognizers)

    @cached_property
    def families(self) -> dict[str, str]:
        """Each recognizer's family, such as arcface; empty where the record does not say."""
        known = self.record.recognizers
        return {name: known[name].family if name in known else "" for name in self.recognizers}

    @cached_property
    def protocols(self) -> list[Protocol]:
        """Protocols every recognizer has, `strict` first."""
        first = self.summary.recognizers[self.recognizers[0]]
        found: list[tuple[Protocol, object]] = [("strict", first.strict), ("paper", first.paper)]
        return [name for name, numbers in found if numbers is not None]

    @cached_property
    def models(self) -> list[str]:
        """Evaluated models and then the oracles."""
        return self.summary.models

    @cached_property
    def oracles(self) -> list[str]:
        """Models whose answers are known."""
        return self.summary.oracles

    @cached_property
    def evaluated(self) -> list[str]:
        """The models the report is about: all but the oracles."""
        return [model for model in self.models if model not in self.oracles]

    @cached_property
    def facts(self) -> dict[str, ModelFacts]:
        """What the records say of each model."""
        return facts_of(self.models, [source.record.models for source in self.sources])

    @cached_property
    def sweeps(self) -> list[Sweep]:
        """Every sweep of two or more evaluated models."""
        return find_sweeps(self.evaluated, [(source.name, source.record.models) for source in self.sources])

    @cached_property
    def columns(self) -> dict[str, Column]:
        """A column for every metric: title, direction and precision come from the metric's declaration."""
        columns = {}
        for name, one in self.summary.metrics.items():
            low, high = one.range
            digits = 3 if low is not None and high is not None and high - low <= 20 else 2
            meaning = ". ".join(part for part in (one.meaning, one.unit, one.citation) if part)
            columns[name] = Column(name, one.title, "number", "", one.direction, meaning, digits)
        return columns

    def strict(self, recognizer: str) -> StrictSummary:
        """A recognizer's numbers under the strict protocol. Raises `RunError` if it has none."""
        return self._known(self.summary.recognizers[recognizer].strict, f"strict scores by {recognizer}")

    def paper(self, recognizer: str) -> PaperSummary:
        """Its numbers under the paper protocol. Raises `RunError` if it has none."""
        return self._known(self.summary.recognizers[recognizer].paper, f"paper scores by {recognizer}")

    def _known(self, found: T | None, what: str) -> T:
        if found is None:
            raise RunError(f"{self.sources[0].path} holds no {what}; run again")
        return found

    def group(self, recognizer: str) -> StrictGroup:
        """Its strict numbers over all cases."""
        return self.strict(recognizer).groups["all"]

    def groups(self, recognizer: str, protocol: Protocol) -> dict[str, Values]:
        """The means over all cases (`all`) and over each subset that has numbers of its own."""
        found = self.strict(recognizer) if protocol == "strict" else self.paper(recognizer)
        return {name: group.models for name, group in found.groups.items()}

    def rows(self, recognizer: str, protocol: Protocol) -> pd.DataFrame:
        """Rows of scores.parquet."""
        scores = self.scores
        return scores[(scores["recognizer"] == recognizer) & (scores["protocol"] == protocol)]


def load(run: Path, record: RunRecord | None = None) -> RunData:
    """Read a run directory, which anybody may have made. `record` stands for `run.json` where that is not written yet.

    Raises `RunError` if the run is not finished, or a file is missing, damaged, of another version, or contradicts
    another one.
    """
    record = record or finished_record(run)
    scores, images, suite_photos = read_tables(run)
    summary = read_summary(run)
    if record.suite is None:
        raise _unfinished(run)
    if not summary.recognizers:
        raise RunError(f"{run} holds no scores: its suite or its list of models is empty")
    if problem := next(contradictions(record, summary, scores, images), None):
        raise RunError(f"{run} is damaged or was edited: {problem}")
    if record.provenance.metrics_edition != METRICS_EDITION:
        raise RunError(
            f"{run} was scored with edition {record.provenance.metrics_edition} of the metrics, this idbench has "
            f"edition {METRICS_EDITION}; score it again"
        )
    failing = {*record.counts.recognizer_failures, *record.counts.recognizer_faults}
    check_plausible(run, scores, images, suite_photos, failing)
    notes = tuple(lacking(record.suite.cases, scores, images, suite_photos))
    if not notes and (problem := next(other_means(summary, scores, suite_photos), None)):
        raise RunError(f"{run} is damaged or was edited: {problem}")
    return RunData((Source(run.resolve().name, run, record),), summary, scores, images, suite_photos, notes)


def finished_record(run: Path) -> RunRecord:
    """`run.json` of a finished run.

    Raises `RunError` if it is not: one that goes on or was stopped has replaced some of its files, and others not yet.
    """
    record = read_record(run, "run.json", RunRecord)
    if record.state == "running":
        raise RunError(f"{run} is not finished: its run goes on, or was stopped; wait, or run the same command again")
    return record


def read_summary(run: Path) -> Summary:
    """`summary.json`. Raises `RunError` if it is missing, damaged, or of another version."""
    summary = read_record(run, "summary.json", Summary)
    if summary.schema_version != SUMMARY_VERSION:
        raise _unfinished(run)
    return summary


def _unfinished(run: Path) -> RunError:
    return RunError(f"{run} was not finished by this version of idbench; run it again")
