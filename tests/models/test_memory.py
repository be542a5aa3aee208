"""The memory a model is expected to need."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from support.model_cards import pipeline

from idbench.models.cards import Card
from idbench.models.memory import expected_memory, machine_memory
from idbench.models.settings import settings_of


def test_expected_memory_follows_the_weights_that_are_here_else_the_card(card: Card, tmp_path: Path):
    there = settings_of(card, {})
    assert expected_memory(card, there) == pytest.approx((10.5 * 2 * 1.2, 10 * 2 * 1.2))
    here = settings_of(card, {"weights.base": str(pipeline(tmp_path / "w")), "dtype": "float32"})
    assert expected_memory(card, here) == pytest.approx((220 * 4 * 1.2 / 1e9, 200 * 4 * 1.2 / 1e9))


def test_without_a_gpu_it_is_this_machine_s():
    where, gigabytes = machine_memory("cpu")
    assert "without a GPU" in where and gigabytes == pytest.approx(psutil.virtual_memory().total / 1e9)
