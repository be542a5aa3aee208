"""Runs that a report cannot be made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reports import build_run

from idbench.errors import RunError
from idbench.report import write_report


def test_damaged_runs_are_named(tmp_path: Path):
    with pytest.raises(RunError, match=r"no run\.json"):
        write_report(tmp_path)
    folder = build_run(tmp_path / "run")
    (folder / "summary.json").write_text("{")
    with pytest.raises(RunError, match=r"summary\.json cannot be read"):
        write_report(folder)
    (folder / "scores.parquet").write_bytes(b"no parquet")
    (folder / "summary.json").write_text("{}")
    with pytest.raises(RunError, match=r"tables of .* cannot be read"):
        write_report(folder)
    for name in ("run.json", "summary.json"):
        folder = build_run(tmp_path / f"old {name}")
        (folder / name).write_text('{"schema_version": 0}')
        with pytest.raises(RunError, match="not finished by this version"):
            write_report(folder)
