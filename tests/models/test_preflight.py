"""What would stop a model is found without loading it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.in_process import idbench_here
from support.model_cards import pipeline, tensors
from support.runs import error_line

from idbench.errors import WeightsError
from idbench.models import weights
from idbench.models.card_model import settings_of
from idbench.models.cards import Card
from idbench.models.preflight import blockers, expected_memory, require


def test_weights_are_found_where_the_message_says(card: Card):
    need = card.need("base")
    pipeline(weights.expected_at(need))
    assert weights.usable(need, "mine") == weights.expected_at(need)
    assert blockers(card, settings_of(card, {})) == []


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda f: (f / "model_index.json").unlink(), "model_index.json is missing"),
        (lambda f: (f / "model_index.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "transformer" / "model-2.safetensors").unlink(), "1 of 2 files are missing"),
        (lambda f: tensors(f / "vae" / "model.safetensors", 20, cut=1), "vae: model.safetensors has"),
        (lambda f: (f / "vae" / "model.safetensors").write_bytes(b"\xff" * 9), "no safetensors header"),
        (lambda f: (f / "vae").rename(f / "vea"), "the folder vae is missing"),
    ],
)
def test_damaged_weights_are_found_without_reading_them(card: Card, tmp_path: Path, harm, expected: str):
    place = pipeline(tmp_path / "w")
    settings = settings_of(card, {"weights.base": str(place)})
    require(card, settings)
    harm(place)
    with pytest.raises(WeightsError, match=expected) as refused:
        require(card, settings)
    assert str(place) in str(refused.value)


def test_expected_memory_follows_the_weights_that_are_here_else_the_card(card: Card, tmp_path: Path):
    there = settings_of(card, {})
    assert expected_memory(card, there) == pytest.approx((10.5 * 2 * 1.2, 10 * 2 * 1.2))
    here = settings_of(card, {"weights.base": str(pipeline(tmp_path / "w")), "dtype": "float32"})
    assert expected_memory(card, here) == pytest.approx((220 * 4 * 1.2 / 1e9, 200 * 4 * 1.2 / 1e9))


def test_memory_is_a_stopper_only_where_there_is_too_little(card: Card):
    huge = card.model_copy(update={"billions": {"transformer": 1e6}})
    kinds = {
        name: [s.kind for s in blockers(c, settings_of(c, {}), "cpu")] for name, c in (("big", huge), ("small", card))
    }
    assert kinds == {"big": ["weights", "memory"], "small": kinds["small"]} and "weights" in kinds["small"]


def test_missing_packages_are_named(card: Card):
    lacking = card.model_copy(update={"packages": ("torch", "no-such-thing")})
    (blocker,) = [s for s in blockers(lacking, settings_of(card, {})) if s.kind == "package"]
    assert "no-such-thing" in blocker.text and "pip install" in blocker.text and "torch," not in blocker.text


def test_a_run_with_absent_weights_stops_before_anything_is_done(folder: Path, tmp_path: Path):
    refused = idbench_here("run", "--model", str(folder), "--out", str(tmp_path / "run"))
    assert "idbench models fetch mine" in error_line(refused)
    assert not (tmp_path / "run").exists()
