"""One reported run for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reports import Page, build_run

from idbench.report import write_report


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    folder = build_run(tmp_path_factory.mktemp("report") / "run")
    assert write_report(folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="session")
def page(run: Path) -> Page:
    return Page((run / "report.html").read_text(encoding="utf-8"))
