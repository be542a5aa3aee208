"""Reports: one self-contained HTML file and tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from pathlib import Path

from idbench.records.run import RunRecord
from idbench.report.compare import write_comparison
from idbench.report.data import finished_record, load, read_summary
from idbench.report.page import write

__all__ = ["finished_record", "read_summary", "write_comparison", "write_report"]


def write_report(run: Path, record: RunRecord | None = None) -> Path:
    """Write `report.html` and `tables/` of a run from its directory alone; returns the page.

    record : what `run.json` will say, from the run itself, which writes it last.

    Raises `RunError` if the run is not finished or a file of it is damaged.
    """
    return write(load(run, record), run / "report.html", run / "tables")
