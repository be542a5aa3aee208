"""Spending caps: every answer that was paid for counts once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.lazy import needs
from support.vendors import VENDORS, opened

from idbench.generate.pool import Reply
from idbench.models.hosted import Budget

pytestmark = needs("openai", "google.genai")


def test_a_budget_counts_every_paid_answer_once(vendor, tmp_path: Path):
    lines = [
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "1", "seconds": 1.0, "cost": 0.2, "path": "moved"},
        {"model": "gpt-image-2", "case": "a", "seed": 0, "outcome": "generated", "digest": "2", "seconds": 1.5, "cost": 0.3},
        {"model": "gpt-image-2", "case": "b", "seed": 0, "outcome": "generated", "digest": "3", "seconds": 1.0},
        {"model": "gpt-image-2", "case": "c", "seed": 0, "outcome": "refused", "seconds": 1.0},
        {"model": "another", "case": "a", "seed": 0, "outcome": "generated", "digest": "4", "seconds": 1.0, "cost": 9.0},
    ]  # fmt: skip
    (tmp_path / "l").write_text("".join(json.dumps(line) + "\n" for line in lines))
    budget = Budget(opened(VENDORS["openai"], spending_cap="1.2", retries="1"), tmp_path / "l")
    assert budget.spent == pytest.approx(0.2 + 0.3 + 0.3), "an untold cost counts as the dearest answer so far"
    assert budget.room == 1 and budget.closed is None
    budget.counted(Reply("generated", cost=0.35))
    assert budget.room == 0 and budget.closed == "spending cap of $1.2 reached"
    budget.counted(Reply("generation_failed", "APITimeoutError: Request timed out."))
    assert budget.spent == pytest.approx(1.15 + 2 * 0.35), "both tries may have been paid for"


def test_the_first_image_is_asked_for_alone(vendor, tmp_path: Path):
    """Nobody knows what one costs until the first is there."""
    budget = Budget(opened(VENDORS["openai"], spending_cap="1"), tmp_path / "none")
    assert budget.room == 1
    budget.counted(Reply("generated", cost=0.25))
    assert budget.room == 3
