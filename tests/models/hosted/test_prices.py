"""Prices on cards of hosted models."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lazy import needs

from idbench.errors import ConfigError
from idbench.models.cards import baselines_folder, card_of, load_card
from idbench.models.settings import settings_of

pytestmark = needs("openai", "google.genai")


@pytest.mark.parametrize(
    "name", ["gpt-image-2", "gpt-image-2.5-sunburst", "gemini-3.1-flash-image", "gemini-3-pro-image"]
)
def test_cards_say_prices_their_date_and_what_an_image_costs(name):
    card = card_of(name)
    assert card.hosted.prices.source.startswith("https://") and card.hosted.prices.date.year == 2026
    settings = settings_of(card, {"spending_cap": "100", "batch": "8"})
    assert settings.execution["spending_cap"] == 100 and 0 < card.hosted.expected(settings.parameters) < 1
    assert "offload" not in settings.execution


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('dollars_by = "quality"', 'dollars_by = "colour"', "one price for every choice"),
        ("low = 0.006, ", "", "one price for every choice"),
        ('keys = ["OPENAI_API_KEY"]', "keys = []", "hosted.keys"),
        ("[hosted.prices]", "[hosted.price]", "hosted"),
    ],
)
def test_a_card_whose_prices_are_wrong_is_one_line(tmp_path: Path, old: str, new: str, expected: str):
    text = (baselines_folder() / "gpt-image-2" / "card.toml").read_text()
    assert old in text
    (tmp_path / "card.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=expected) as refused:
        load_card(tmp_path)
    assert "\n" not in str(refused.value)
