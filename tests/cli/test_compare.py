"""`idbench compare` and `idbench report`: where things are said, and what options do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from support.command_line import refused, run_main
from support.reports import build_run, change

from idbench.errors import RunError
from idbench.run_folder import RunFolder


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    found = [build_run(tmp_path / name, models=(name,), seed=i) for i, name in enumerate(("good", "weak"))]
    config = json.loads((found[1] / "run.json").read_text())["config"]
    change(found[1], "run.json", config=config | {"level": 0.8})
    return found


def test_what_is_odd_is_said_on_stderr(monkeypatch, capsys, tmp_path, runs):
    code, out, said = run_main(monkeypatch, capsys, "compare", *runs, "--out", tmp_path / "out")
    assert (code, out) == (0, f"{tmp_path / 'out' / 'comparison.html'}\n")
    assert said == (
        "idbench: note: The runs were made with different settings of level (good: 0.95, weak: 0.8); "
        "everything here is with 0.95.\n"
    )
    (tmp_path / "out" / "comparison.html").unlink()
    assert run_main(monkeypatch, capsys, "report", tmp_path / "out") == (code, out, said)


def test_options_set_what_all_runs_are_computed_with(monkeypatch, capsys, tmp_path, runs):
    options = ("--level", "0.7", "--resamples", "150", "--interval", "bca", "--statistics-seed", "9")
    assert run_main(monkeypatch, capsys, "compare", *options, *runs, "--out", tmp_path / "out")[0] == 0
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())["statistics"]
    assert written == {"level": 0.7, "resamples": 150, "interval": "bca", "statistics_seed": 9, "false_accept_rate": 0.01}  # fmt: skip
    assert "--level: expected between 0.5 and 0.999" in refused(monkeypatch, capsys, "compare", *runs, "--level", "7")


def test_a_report_says_what_the_run_lacks(monkeypatch, capsys, runs):
    for name in ("scores", "images"):
        frame = pd.read_parquet(runs[0] / f"{name}.parquet")
        frame[frame["case"] != "case2"].to_parquet(runs[0] / f"{name}.parquet")
    code, out, said = run_main(monkeypatch, capsys, "report", runs[0])
    assert (code, out) == (0, f"{runs[0] / 'report.html'}\n")
    assert said.startswith("idbench: note: 1 of the suite's 8 cases have no scores, first case2;")


def test_a_row_that_cannot_be_is_one_line(monkeypatch, capsys, runs):
    scores = pd.read_parquet(runs[0] / "scores.parquet")
    scores.loc[5, "sim_gt"] = 1.5
    scores.to_parquet(runs[0] / "scores.parquet")
    assert f"{runs[0] / 'scores.parquet'}, row 5 (model " in refused(monkeypatch, capsys, "report", runs[0])


def test_a_run_does_not_overwrite_a_comparison(monkeypatch, capsys, tmp_path, runs):
    assert run_main(monkeypatch, capsys, "compare", *runs, "--out", tmp_path / "out")[0] == 0
    with pytest.raises(RunError, match="holds a comparison"):
        RunFolder(tmp_path / "out").previous()


def test_help_says_what_counts_without_options(monkeypatch, capsys):
    code, out, said = run_main(monkeypatch, capsys, "compare", "--help")
    text = " ".join(out.split())
    assert (code, said) == (0, "") and "Kinds installed here" not in text
    assert "--level" in text and "the runs'; where they differ, 0.95" in text and "the lowest" in text


def test_wrong_use_is_one_line(monkeypatch, capsys, tmp_path, runs):
    for arguments, said in (
        (["compare", runs[0]], "expected two or more run directories, found 1"),
        (["report", runs[0], "--out", tmp_path / "x"], "--out: goes with --anonymous"),
        (["score", "--images", "m=a", "--images", "m=b"], "two folders are called 'm'"),
    ):
        assert said in refused(monkeypatch, capsys, *arguments)
