"""The configuration of a run."""

from __future__ import annotations

import re

import pytest

from idbench.config import RunConfig, load_config
from idbench.errors import ConfigError
from idbench.options import options_of


def test_flags_win_over_the_config_file(tmp_path):
    (tmp_path / "config.toml").write_text("suite = 'a'\nworkers = 3\nresamples = 500\n")
    config = load_config(tmp_path / "config.toml", {"resamples": 900, "workers": None})
    assert (config.suite, config.workers, config.resamples) == ("a", 3, 900)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("seeds = true", "seeds: expected an integer, found true"), ("level = false", "level: expected a number, found false"),
     ("workers = true", "workers: expected an integer, found true"), ("out = ''", "out: expected text, found nothing"),
     ("seeds = 10\nfirst_seed = 2147483640", "first_seed: expected at most 2147483638 with 10 seeds")],
)  # fmt: skip
def test_what_toml_has_types_for_is_not_taken_for_another(tmp_path, text, expected):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(expected)):
        load_config(tmp_path / "run.toml", {})


def test_models_whose_folders_some_systems_take_for_one_are_told_apart():
    for given in ({"models": ["A=sim:good", "a=sim:good"]}, {"images": {"Mine": "x"}, "models": ["mine=sim:good"]}):
        with pytest.raises(ConfigError, match="two models are called"):
            load_config(None, {"suite": "synthetic"} | given)


def test_no_number_takes_truth():
    numbers = {
        name: option.kind for name, option in options_of(RunConfig).items() if option.kind in ("integer", "number")
    }
    for name, kind in numbers.items():
        expected = "an integer" if kind == "integer" else "a number"
        with pytest.raises(ConfigError, match=f"{name}: expected {expected}, found true"):
            load_config(None, {name: True})
    assert len(numbers) == 12
