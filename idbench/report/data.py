"""What a report is made from: the tables and records of one run, or of several laid side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from idbench.errors import RunError
from idbench.summary import SUMMARY_VERSION
from idbench.tables import read_tables

__all__ = ["RunData", "Source", "load"]


@dataclass(frozen=True)
class Source:
    """A run directory and its record (`run.json`)."""

    name: str
    path: Path
    record: dict[str, Any]


@dataclass(frozen=True)
class RunData:
    """Everything the report reads. `sources` has one entry for a run, several for a comparison."""

    sources: tuple[Source, ...]
    summary: dict[str, Any]
    scores: pd.DataFrame
    images: pd.DataFrame
    suite: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """The first run's record; the suite is the same in all of them."""
        return self.sources[0].record

    @property
    def recognizers(self) -> list[str]:
        """Judges, in the order they were named; the first gives the headline."""
        named = [name for name in self.record["recognizers"] if name in self.summary["recognizers"]]
        return named or list(self.summary["recognizers"])

    @property
    def protocols(self) -> list[str]:
        """Protocols every recognizer has, `strict` first."""
        first = self.summary["recognizers"][self.recognizers[0]]
        return [name for name in ("strict", "paper") if name in first]

    @property
    def models(self) -> list[str]:
        """Judged models and then the oracles."""
        return list(self.summary["models"])

    @property
    def judged(self) -> list[str]:
        """The models that are ranked: all but the oracles."""
        return [model for model in self.models if model not in self.summary["oracles"]]

    @property
    def variants(self) -> list[str]:
        """Judged models that are one value of a sweep, as far as the summary knew of them."""
        return list(self.summary.get("variants", ()))

    def about(self, model: str) -> dict[str, Any]:
        """What the record says of a model: kind, card, parameters, weights, sweep; {} where it says nothing."""
        return next((dict(s.record["models"][model]) for s in self.sources if model in s.record["models"]), {})

    def family(self, recognizer: str) -> str:
        """The recognizer's family, such as arcface; empty where the record does not say."""
        return str(self.record["recognizers"].get(recognizer, {}).get("family") or "")

    def is_oracle(self, model: str) -> bool:
        """Whether the row belongs to the ruler."""
        return model in self.summary["oracles"]

    def group(self, recognizer: str, protocol: str, name: str = "all") -> dict[str, Any]:
        """A group's part of the summary: `all` or a subset."""
        found = self.summary["recognizers"].get(recognizer, {}).get(protocol, {}).get("groups", {}).get(name, {})
        return dict(found)

    def subsets(self, recognizer: str, protocol: str) -> list[str]:
        """Names of the subsets that have numbers of their own."""
        groups = self.summary["recognizers"][recognizer][protocol]["groups"]
        return [name for name in groups if name != "all"]

    def rows(self, recognizer: str, protocol: str) -> pd.DataFrame:
        """Rows of scores.parquet."""
        scores = self.scores
        return scores[(scores["recognizer"] == recognizer) & (scores["protocol"] == protocol)]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or `RunError` in one line."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is not a finished run: it has no {path.name}") from error
    except (ValueError, TypeError, OSError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def load(run: Path) -> RunData:
    """Read a run directory.

    Raises `RunError` if a file is missing or damaged.
    """
    source = Source(run.resolve().name, run, read_json(run / "run.json"))
    summary = read_json(run / "summary.json")
    scores, images, suite = read_tables(run)
    if summary.get("schema_version") != SUMMARY_VERSION or "fingerprint" not in source.record.get("suite", {}):
        raise RunError(f"{run} was not finished by this version of idbench; run it again")
    if not summary.get("recognizers"):
        raise RunError(f"{run} holds no scores: its suite or its list of models is empty")
    return RunData((source,), summary, scores, images, suite)
