"""`idbench suites`."""

from __future__ import annotations

import json
from pathlib import Path

from support.runs import error_line, idbench

from idbench.suites import synthetic


def test_only_the_synthetic_suite_can_be_made(tmp_path: Path):
    line = error_line(idbench("suites", "make", "multiid-bench", "--out", tmp_path))
    assert "multiid-bench cannot be made, as synthetic can" in line
    listed = idbench("suites", "list", "--json")
    assert json.loads(listed.stdout)["synthetic"]["licence"] == synthetic.LICENCE
