"""Reports: one self-contained HTML file and tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["write_report"]


def write_report(run: Path) -> None:
    """Thin slice."""
    summary = json.loads((run / "summary.json").read_text())
    (run / "report.html").write_text(f"<pre>{json.dumps(summary['models'])}</pre>")
