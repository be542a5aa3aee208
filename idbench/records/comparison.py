"""`comparison.json`: which runs are laid side by side, and how their statistics are computed."""

from __future__ import annotations

from typing import Literal

from idbench.schema import Record

__all__ = ["COMPARISON_VERSION", "ComparedRun", "ComparisonRecord", "StatisticsRecord"]

COMPARISON_VERSION = 1
"""Raise it when comparison.json changes its form."""


class StatisticsRecord(Record):
    """The one set of settings that every number of a comparison is computed with; fields as in a run's `config`."""

    level: float
    """Level of intervals."""
    resamples: int
    """Bootstrap resamples."""
    interval: Literal["percentile", "bca"]
    """Kind of bootstrap interval."""
    statistics_seed: int
    """Seed of the resampling."""
    false_accept_rate: float
    """For the verification threshold."""


class ComparedRun(Record):
    """One of the runs; a copy of its record and tables lies in `folder`."""

    name: str
    """Of its directory."""
    folder: str
    """Inside the comparison."""


class ComparisonRecord(Record):
    """`comparison.json`, written last."""

    schema_version: int = COMPARISON_VERSION
    """Of this file."""
    statistics: StatisticsRecord
    """Settings of all numbers."""
    runs: list[ComparedRun]
    """In the order of the page, which does not depend on that of the command."""
