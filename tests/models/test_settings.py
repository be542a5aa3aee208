"""What a user sets of a card: parameters, how it runs, places of weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbench.errors import ConfigError
from idbench.models.cards import Card
from idbench.models.settings import settings_of


def test_settings_take_the_type_of_the_default(card: Card):
    settings = settings_of(card, {"steps": "30", "guidance": "3", "batch": "2", "weights.base": "/x"})
    assert settings.parameters == {"steps": 30, "guidance": 3.0, "dtype": "bfloat16", "width": 512, "height": 512}
    assert settings.execution == {"batch": 2, "offload": "none"} and settings.places == {"base": Path("/x")}
    assert type(settings.parameters["guidance"]) is float


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("stepz", "3", "did you mean 'steps'"),
        ("steps", "3.5", "a whole number, found '3.5'"),
        ("steps", "0", "1 to 100, found 0"),
        ("guidance", "nan", "at least 0, found nan"),
        ("guidance", "much", "a number, found 'much'"),
        ("dtype", "int8", "one of bfloat16, float32"),
        ("offload", "disk", "one of none, model, sequential"),
        ("batch", "0", "1 to 256"),
        ("weights.vae", "/x", "did you mean 'weights.base'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(card: Card, key: str, value: str, expected: str):
    with pytest.raises(ConfigError, match=expected):
        settings_of(card, {key: value})
