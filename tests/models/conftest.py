"""A card for tests, and a worker with everything its environment is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.model_cards import write_card
from support.worker_environments import World

from idbench.models.cards import Card, load_card


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_card(tmp_path)


@pytest.fixture
def card(folder: Path) -> Card:
    return load_card(folder)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)
