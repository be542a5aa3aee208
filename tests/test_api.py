"""Python: a run by its path, errors in the words of Python."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from support.runs import flags, run_here
from support.suites import real_cases, write_suite

from idbench.api import Run, load_run, score
from idbench.errors import ConfigError, RunError, UnknownNameError


@pytest.fixture(scope="module")
def run(real_suite, packs, tmp_cache, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("api")
    suite = write_suite(root / "suite", real_cases(real_suite, (1,)))
    return run_here(suite, packs, root / "run", tmp_cache)


def test_a_run_by_its_path_as_text_or_path(run: Path, monkeypatch):
    assert Run(str(run)) == Run(run) == load_run(str(run)) and Run(str(run)).path == run
    assert Run(str(run)).report.exists() and Run(str(run)).record.state == "finished"
    pd.testing.assert_frame_equal(Run(str(run)).table(), Run(run).table("mini-a", "strict", "all"))
    monkeypatch.setenv("HOME", str(run.parent))
    assert len(Run("~/run").scores()) == len(Run(run).scores()) > 0


@pytest.mark.parametrize("read", ["scores", "images", "summary", "record", "table"])
def test_a_path_without_a_run_is_one_line(tmp_path: Path, read: str):
    def look():
        found = getattr(Run(str(tmp_path / "nowhere")), read)
        return found() if callable(found) else found

    with pytest.raises(RunError, match=r"nowhere is not a finished run: it has no run\.json") as refused:
        look()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", [("x",), ("mini-a", "paper"), ("mini-a", "strict", "of four")])
def test_names_that_a_run_does_not_have_are_listed(run: Path, given):
    with pytest.raises(UnknownNameError, match="known: "):
        Run(run).table(*given)


def test_errors_and_notes_name_parameters_not_flags(run: Path, packs, tmp_path):
    wanted = flags(run.parent / "suite", packs, tmp_path / "run")
    for changed, expected in (
        ({"oracles": False}, "nothing to score: give images NAME=FOLDER or models, or leave the oracles on"),
        ({"recognizers": []}, "such as recognizers insightface:antelopev2"),
        ({"images": {"a": "x"}, "suite": None}, "name one with suite "),
        ({"level": 2}, "level: expected between"),
        ({"first_seed": 2**31 - 1, "seeds": 2}, "first_seed: expected at most"),
    ):
        with pytest.raises(ConfigError) as refused:
            score(**(wanted | changed))
        assert expected in str(refused.value) and "--" not in str(refused.value)
    with pytest.warns(UserWarning, match="no images given: only the oracles are scored"):
        score(**wanted)
