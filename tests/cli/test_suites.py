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


def test_show_names_what_is_left_out_or_cannot_be_read(tmp_path: Path):
    for case in ("a", "b"):
        (tmp_path / case).mkdir()
        (tmp_path / case / "ori.png").write_bytes(b"no image")
    (tmp_path / "a" / "meta.json").write_text('{"prompt": "p"}')
    shown = json.loads(idbench("suites", "show", tmp_path, "--json").stdout)
    assert shown["photos_unreadable"] == ["a/ori.png", "a/ref_1.jpg"]
    assert shown["problems"].keys() == {"a", "b"} and "case left out" in shown["problems"]["b"]
