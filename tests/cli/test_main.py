"""Wrong usage is exit code 2; commands on nothing end in one line."""

from __future__ import annotations

import pytest
from support.command_line import refused, run_main
from support.runs import NOTE


@pytest.mark.parametrize(
    "arguments",
    [["--no-such-option"], ["no-such-command"], ["run", "--resamples"], ["report"]],
)
def test_wrong_usage_is_exit_code_two(monkeypatch, capsys, arguments):
    code, out, said = run_main(monkeypatch, capsys, *arguments)
    assert code == 2 and not out and "Traceback" not in said and "Error" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--images", "a=x", "--images", "a=y"], "two folders are called 'a'"),
        (["compare", "one"], "expected two or more"),
    ],
)
def test_values_that_do_not_fit_are_one_line(monkeypatch, capsys, arguments, said):
    assert said in refused(monkeypatch, capsys, *arguments)


@pytest.mark.parametrize("command", ["report", "compare", "show"])
def test_other_commands_on_nothing(monkeypatch, capsys, tmp_path, command):
    arguments = {
        "report": ["report", tmp_path],
        "compare": ["compare", tmp_path, tmp_path / "b", "--out", tmp_path / "out"],
        "show": ["suites", "show", str(tmp_path)],
    }[command]
    assert str(tmp_path) in refused(monkeypatch, capsys, *arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--workers", "many"], "--workers: expected an integer, found 'many'"),
        (["--seeds", "1e3"], "--seeds: expected an integer, found '1e3'"),
        (["--level", "x"], "--level: expected a number, found 'x'"),
        (["--level", "2"], "--level: expected between 0.5 and 0.999, found 2"),
        (["--out", ""], "--out: expected text, found nothing"),
        (["--suite", " "], "--suite: expected text, found nothing"),
        (["--images", "a="], "--images: expected a folder for 'a', found nothing"),
        (["--first-seed", "2147483647", "--seeds", "2"], "--first-seed: expected at most 2147483646 with 2 seeds"),
        (["--config", "gone.toml"], "config file gone.toml: No such file or directory"),
        (["--recognizer", "arcface"], "no recognizer is called 'arcface'; it is given as insightface:PACK"),
        (["--model", "m=sim:good", "--sweep", "m.drift=0:1"], "found no step"),
        (["--model", "m=sim:good", "--sweep", "m.drift=0:2:0.5"], "--sweep m.drift=1.5: expected between 0 and 1"),
    ],
)
def test_values_that_cannot_be_are_one_line(monkeypatch, capsys, tmp_path, arguments, expected):
    monkeypatch.chdir(tmp_path)
    code, out, said = run_main(monkeypatch, capsys, "run", *arguments)
    lines = [line for line in said.splitlines() if not line.startswith(NOTE)]
    assert (code, out, len(lines)) == (1, "", 1) and lines[0].startswith("idbench: ") and expected in lines[0]
    assert not list(tmp_path.iterdir())
