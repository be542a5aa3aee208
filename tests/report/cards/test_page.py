"""The page with cards as a whole, and without any."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.carded_reports import VALUES, Finished, card, table, with_cards
from support.reports import HOSTILE, Page, browse, build_run

from idbench.report import write_report


def test_hostile_cards_stay_text(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        record["models"]["paste"] = {
            "kind": HOSTILE, "parameters": {HOSTILE: HOSTILE}, "weights": {HOSTILE: HOSTILE},
            "card": card(
                HOSTILE, extra_conditioning=[HOSTILE], source=dict.fromkeys(("paper", "repository", "revision"), HOSTILE),
                licence={"code": HOSTILE, "weights": HOSTILE}, face_encoders=[{"family": "arcface", "name": HOSTILE, "use": "training"}],
            ),
        }  # fmt: skip
        for model in VALUES:
            record["models"][model]["sweep"] |= {"of": HOSTILE, "parameter": HOSTILE}

    run = finished(tmp_path / "run", change)
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert [attrs for tag, attrs in page.elements if tag == "script"] == [{}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "<script>alert" not in text
    assert f"given more than prompt and references: {HOSTILE}" in page.text
    assert all("<script>" not in p.read_text() for p in (run / "tables").glob("*.md"))


def test_addresses_are_no_links(run: Path):
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert all(a["href"].startswith(("#", "data:")) for _, a in page.elements if a.get("href"))


def test_without_cards_nothing_is_added(tmp_path: Path):
    run = build_run(tmp_path / "run", cases=5, protocols=("strict",))
    write_report(run)
    text = (run / "report.html").read_text(encoding="utf-8")
    sections = [a["id"] for t, a in Page(text).elements if t == "section"]
    assert sections == [
        "headline",
        "outcomes",
        "plane",
        "distributions",
        "comparisons",
        "parts",
        "images",
        "gallery",
        "provenance",
    ]
    assert not re.search("[†‡]", text) and 'class="hint legend"' not in text and 'class="sweep"' not in text
    names = {p.stem for p in (run / "tables").iterdir()}
    assert not [n for n in names if n.startswith(("models", "sweep", "independent"))]
    assert "model_marks" not in table(run, "headline_judge-a").columns


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_overflow(run: Path, tmp_path: Path, width: int):
    probe = "(d) => { for (const x of d.querySelectorAll('details')) x.open = true; return {wide: d.documentElement.scrollWidth, seen_width: d.documentElement.clientWidth}; }"
    result = browse(run / "report.html", tmp_path, width, probe)
    assert result["wide"] <= result["seen_width"] <= width
    assert result["seen"] == []
