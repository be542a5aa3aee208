"""What of a card decides pixels, and what a model with a card says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbench.models.card_model import CardModel
from idbench.models.cards import baselines_folder
from idbench.models.specs import plan_models


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


def test_an_old_key_is_read_and_told(tmp_path):
    model = opened(tmp_path, lambda text: text.replace('kind = "diffusers"', 'kind = "diffusers"\nmost_people = 3', 1))
    assert model.card.max_people == 3
    (renamed,) = [blocker for blocker in model.preflight("cpu") if blocker.kind == "renamed"]
    assert not renamed.stops and "'most_people' is called 'max_people' now" in renamed.text


def test_it_is_run_as_card_and_user_say(tmp_path):
    how = opened(tmp_path, batch="3", offload="model").execution
    assert (how.isolated, how.batch, how.offload, how.devices, how.time_limit) == (True, 3, "model", "gpus", None)
