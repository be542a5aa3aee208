"""The gallery."""

from __future__ import annotations

import json
from pathlib import Path

from support.reports import build_run, change, section

from idbench.report import write_report


def test_no_gallery_asked_for(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    change(folder, "run.json", config=record["config"] | {"gallery": 0})
    write_report(folder)
    assert "without a gallery" in section(folder, "gallery").text


def test_a_damaged_thumbnail_is_no_image(tmp_path: Path):
    folder = build_run(tmp_path / "run", cases=2)
    for path in (folder / "thumbs").iterdir():
        path.write_bytes(b"no jpeg")
    write_report(folder)
    assert section(folder, "gallery").text.count("no image") >= 2
