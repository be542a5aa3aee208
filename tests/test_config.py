"""The configuration of a run."""

from __future__ import annotations


def test_flags_win_over_the_config_file(tmp_path):
    from idbench.config import load_config

    (tmp_path / "config.toml").write_text("suite = 'a'\nworkers = 3\nresamples = 500\n")
    config = load_config(tmp_path / "config.toml", {"resamples": 900, "workers": None})
    assert (config.suite, config.workers, config.resamples) == ("a", 3, 900)
