"""Settings of models with a card, and what of a card decides pixels."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbench.errors import ConfigError
from idbench.models.card_model import CardModel, settings_of
from idbench.models.cards import Card, baselines_folder
from idbench.models.specs import plan_models


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


def opened(tmp_path: Path, change=lambda text: text, name: str = "m", **given: str) -> CardModel:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    text = (baselines_folder() / "flux1-dev" / "card.toml").read_text()
    (folder / "card.toml").write_text(change(text))
    return next(iter(plan_models([str(folder)], [f"flux1-dev.{key}={value}" for key, value in given.items()]))).open()


@pytest.fixture
def weightless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CardModel, "weights", lambda self, role: Path(__file__))


def test_everything_on_a_card_that_decides_pixels_is_in_the_digest(tmp_path, weightless, monkeypatch):
    plain = opened(tmp_path).describe()
    assert plain == opened(tmp_path).describe()
    assert plain != opened(tmp_path, lambda text: text.replace("batched = true", "batched = false")).describe()
    assert plain == opened(tmp_path, lambda text: text.replace("the floor of", "below")).describe()
    monkeypatch.setattr("idbench.models.card_model.installed", lambda name: "99.0")
    assert plain != opened(tmp_path).describe()


def test_a_card_must_say_that_dtype_decides_what_is_loaded(tmp_path):
    with pytest.raises(Exception, match="'dtype' decides what is loaded"):
        opened(tmp_path, lambda text: text.replace("loading = true", ""))
