"""The command line called in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbench import cli


def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path):
    """`main` in this process: (exit code, stdout, stderr)."""
    monkeypatch.setattr("sys.argv", ["idbench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def refused(monkeypatch, capsys, *arguments: str | Path) -> str:
    code, out, line = run_main(monkeypatch, capsys, *arguments)
    assert (code, out) == (1, "")
    assert line.startswith("idbench: ") and line.count("\n") == 1 and line.endswith("\n"), line
    return line
