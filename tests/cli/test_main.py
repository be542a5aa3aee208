"""Wrong usage is exit code 2; commands on nothing end in one line."""

from __future__ import annotations

import pytest
from support.command_line import refused, run_main


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"], ["no-such-command"], ["run", "--workers", "many"], ["run", "--resamples"],
        ["run", "--images", "a=x", "--images", "a=y"], ["compare", "one"], ["report"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_two(monkeypatch, capsys, arguments):
    code, out, said = run_main(monkeypatch, capsys, *arguments)
    assert code == 2 and not out and "Traceback" not in said and "Error" in said


@pytest.mark.parametrize("command", ["report", "compare", "show"])
def test_other_commands_on_nothing(monkeypatch, capsys, tmp_path, command):
    arguments = {
        "report": ["report", tmp_path],
        "compare": ["compare", tmp_path, tmp_path / "b", "--out", tmp_path / "out"],
        "show": ["suites", "show", str(tmp_path)],
    }[command]
    assert str(tmp_path) in refused(monkeypatch, capsys, *arguments)
