"""Reports: one self-contained HTML file and tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from pathlib import Path

from idbench.progress import Warn, as_python_warning
from idbench.records.run import RunRecord
from idbench.report.anonymous import write_anonymous
from idbench.report.compare import rewrite_comparison, write_comparison
from idbench.report.comparison_folder import is_comparison
from idbench.report.data import finished_record, load, read_summary
from idbench.report.page import write

__all__ = ["finished_record", "read_summary", "write_anonymous", "write_comparison", "write_report"]


def write_report(run: Path, warn: Warn = as_python_warning, record: RunRecord | None = None) -> Path:
    """Write `report.html` and `tables/` of a run from its directory alone; returns the page.

    Of a comparison, `comparison.html`. warn : is told what is odd about the run. record : what `run.json` will say,
    where it is not written yet.
    Raises `RunError` if the run is not finished or a file of it is damaged.
    """
    if record is None and is_comparison(run):
        return rewrite_comparison(run, warn)
    data = load(run, record)
    for note in data.notes:
        warn(note)
    return write(data, run / "report.html", run / "tables")
