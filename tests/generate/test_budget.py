"""Spending caps: every answer that was paid for counts once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idbench.generate.budget import Budget
from idbench.models.execution import Execution
from idbench.records import Generation


def answer(outcome: str, **facts) -> Generation:
    return Generation(model="gpt-image-2", case="c", outcome=outcome, **facts)


def test_a_budget_counts_every_paid_answer_once(tmp_path: Path):
    lines = [
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2, "path": "moved"},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "2", "seconds": 1.5, "cost": 0.3},
        {"model": "gpt-image-2", "case": "b", "seed": 0, "outcome": "generated", "digest": "3", "seconds": 1.0},
        {"model": "gpt-image-2", "case": "c", "seed": 0, "outcome": "refused", "seconds": 1.0},
        {"model": "another", "case": "a", "seed": 0, "outcome": "generated", "digest": "4", "seconds": 1.0, "cost": 9.0},
    ]  # fmt: skip
    (tmp_path / "l").write_text("".join(json.dumps(line) + "\n" for line in lines))
    budget = Budget("gpt-image-2", Execution(spending_cap=1.2, expected_cost=0.21, attempts=2), tmp_path / "l")
    assert budget.spent == pytest.approx(0.2 + 0.3 + 0.3), "an untold cost counts as the dearest answer so far"
    assert budget.room == 1 and budget.reason is None
    budget.count(answer("generated", cost=0.35))
    assert budget.room == 0 and budget.reason == "spending cap of $1.2 reached"
    budget.count(answer("generation_failed", error="APITimeoutError: Request timed out."))
    assert budget.spent == pytest.approx(1.15 + 2 * 0.35), "both tries may have been paid for"


def test_the_first_image_is_asked_for_alone(tmp_path: Path):
    """Nobody knows what one costs until the first is there."""
    budget = Budget("gpt-image-2", Execution(spending_cap=1, expected_cost=0.21), tmp_path / "none")
    assert budget.room == 1
    budget.count(answer("generated", cost=0.25))
    assert budget.room == 3


def test_a_vendor_that_takes_no_more_requests_is_asked_no_more(tmp_path: Path):
    budget = Budget("gpt-image-2", Execution(spending_cap=1, expected_cost=0.2), tmp_path / "none")
    budget.count(answer("generated", cost=0.2))
    assert budget.room == 4
    budget.count(answer("generation_failed", error="requests stopped: no quota", retryable=True))
    assert (budget.room, budget.reason) == (0, "requests stopped: no quota")
