"""Reports: one self-contained HTML file and tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from pathlib import Path

from idbench.report.anonymous import write_anonymous
from idbench.report.compare import write_comparison
from idbench.report.data import load
from idbench.report.page import write

__all__ = ["write_anonymous", "write_comparison", "write_report"]


def write_report(run: Path) -> Path:
    """Write `report.html` and `tables/` of a run from its directory alone; returns the page.

    Raises `RunError` if the run is not finished or a file of it is damaged.
    """
    return write(load(run), run / "report.html", run / "tables")
