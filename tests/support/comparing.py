"""What a run left behind, to be compared with another run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from idbench.tables import read_tables

PLACES = ["path", "error"]
"""Columns that name where a run's files lie, which is no number."""


def numbers(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The tables of a run in their one order, less what says where files lie, and its summary."""
    scores, images, suite = (frame.reset_index(drop=True) for frame in read_tables(run))
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return scores, images.drop(columns=PLACES), suite, summary


def assert_same_numbers(run: Path, other: Path) -> None:
    *frames, summary = numbers(run)
    *expected, other_summary = numbers(other)
    for frame, good in zip(frames, expected, strict=True):
        pd.testing.assert_frame_equal(frame, good, check_exact=True)
    assert summary == other_summary


def outcomes(run: Path, model: str) -> dict[str, str]:
    """Outcome of the first person by case, one recognizer, strict."""
    scores = read_tables(run)[0].query("model == @model and protocol == 'strict' and person == 0 and seed == 0")
    assert scores["case"].is_unique
    return dict(zip(scores["case"], scores["outcome"], strict=True))


def ledger(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "generations.jsonl").read_text(encoding="utf-8").splitlines()]
