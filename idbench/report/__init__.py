"""Reports: one self-contained HTML file and tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from pathlib import Path

from idbench.progress import Warn, as_python_warning
from idbench.report.anonymous import write_anonymous
from idbench.report.compare import rewrite_comparison, write_comparison
from idbench.report.comparison_folder import is_comparison
from idbench.report.data import load
from idbench.report.page import write

__all__ = ["write_anonymous", "write_comparison", "write_report"]


def write_report(run: Path, warn: Warn = as_python_warning) -> Path:
    """Write `report.html` and `tables/` of a run from its directory alone; returns the page.

    Of a comparison, `comparison.html`. warn : is told what is odd about the run.
    Raises `RunError` if the run is not finished or a file of it is damaged.
    """
    if is_comparison(run):
        return rewrite_comparison(run, warn)
    data = load(run)
    for note in data.notes:
        warn(note)
    return write(data, run / "report.html", run / "tables")
