"""The report in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.reports import MODELS, browse


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_overflow_and_no_errors(run: Path, tmp_path: Path, width: int):
    probe = "(d) => { for (const x of d.querySelectorAll('details')) x.open = true; return {wide: d.documentElement.scrollWidth, seen_width: d.documentElement.clientWidth, shown: d.getElementById('shown').textContent}; }"  # fmt: skip
    result = browse(run / "report.html", tmp_path, width, probe)
    assert result["wide"] <= result["seen_width"] <= width
    assert result["seen"] == []
    assert result["shown"] == "5 of 5 cases shown"


DRIVE = """(d) => {
  const set = (id, value) => { const c = d.getElementById(id); c.value = value; c.dispatchEvent(new Event("change", {bubbles: true})); };
  const cases = () => [...d.querySelectorAll(".case:not([hidden]) h3")].map((h) => h.firstChild.textContent.trim());
  const shots = () => new Set([...d.querySelectorAll(".case:not([hidden]) .shot.model:not([hidden]) b")].map((b) => b.textContent));
  const key = () => [...d.querySelectorAll(".case:not([hidden])")].map((c) => Math.max(...[...c.querySelectorAll(
    ".shot.model:not([hidden]) .mini[data-recognizer='1']")].map((m) => Number(m.dataset.copyPaste))));
  const result = {start: cases(), models: [...shots()]};
  set("recognizer", "1"); set("sort", "copy-paste"); result.sorted = key(); result.others = d.querySelectorAll(".mini[data-recognizer='0']:not([hidden])").length;
  set("order", "1"); result.reversed = key();
  set("sort", ""); set("subset", "=p1"); result.subset = cases();
  set("subset", ""); set("outcome", "generation_failed"); result.failed = [...shots()]; result.shown = d.getElementById("shown").textContent;
  set("outcome", "");
  for (const box of d.querySelectorAll(".model[type=checkbox]")) if (box.value !== "0") box.checked = false;
  set("sort", ""); result.one = [...shots()];
  return result; }"""


@pytest.mark.slow
def test_gallery_sorts_and_filters(run: Path, tmp_path: Path):
    result = browse(run / "report.html", tmp_path, 390, DRIVE)
    assert set(result["models"]) == set(MODELS)
    assert result["sorted"] == sorted(result["sorted"], reverse=True) and len(result["sorted"]) == 5
    assert result["reversed"] == sorted(result["sorted"])
    assert result["others"] == 0
    assert result["subset"] and all(int(case[4:]) % 2 for case in result["subset"])
    assert result["failed"] in ([], ["paste"])
    assert re.fullmatch(r"[01] of 5 cases shown", result["shown"])
    assert result["one"] == ["good"]
    assert result["seen"] == []
