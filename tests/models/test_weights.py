"""Weights: where they are expected, and what their digest follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.model_cards import pipeline, tensors

from idbench.errors import WeightsError
from idbench.models import weights
from idbench.models.cards import card_of


def test_absent_weights_are_one_line_with_the_place_the_size_the_licence_and_the_gate():
    need = card_of("flux1-dev").need("base")
    with pytest.raises(WeightsError) as refused:
        weights.usable(need, "flux1-dev")
    text = str(refused.value)
    assert "\n" not in text
    for part in (str(weights.expected_at(need)), need.hub, "33.7 GB", need.licence, "accept its terms", "models fetch"):
        assert part in text


def test_a_digest_follows_contents_and_names_and_ignores_copies_beside(tmp_path: Path):
    one, other = pipeline(tmp_path / "a"), pipeline(tmp_path / "b")
    assert weights.digest(one) == weights.digest(other)
    (one / "single-file-copy.safetensors").unlink()
    assert weights.digest(one) == weights.digest(other)
    tensors(other / "vae" / "model.safetensors", 21)
    assert weights.digest(one) != weights.digest(other)
