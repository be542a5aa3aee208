"""The whole of a calibration with a real recognizer."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idbench.calibrate import Calibration, calibrate, configure, experiments
from idbench.calibrate.checks import CLAIMS
from idbench.calibrate.page import render
from idbench.calibrate.separation import similarities
from idbench.calibrate.views import YAWS
from idbench.errors import RunError
from idbench.metrics import auc
from idbench.tables import read_tables


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for both calibrations, so that pictures are drawn once."""
    return tmp_path_factory.mktemp("calibration")


def run_calibration(packs: Path, out: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    monkeypatch.setenv("IDBENCH_CACHE", str(cache))
    monkeypatch.setattr(experiments, "SIZES", (12, experiments.SIZE))
    config = configure(recognizers=[f"insightface:{packs / 'mini-a'}"], cases=2, repeats=20, out=str(out))
    return calibrate(config, lambda *stage: None, lambda line: None)


@pytest.mark.slow
def test_a_real_judge_is_calibrated(packs, pictures, tmp_cache, monkeypatch):
    found = run_calibration(packs, pictures, tmp_cache, monkeypatch)
    passed = {check.says: check.verdict for check in found.checks}
    assert len(passed) == len(found.checks) == len(CLAIMS) + 7
    for says in (
        "copy-paste rises with copying",
        "similarity to the target falls with drift",
        "similarity to the reference falls with drift",
        "similarity to the target does not see swaps",
        "strangers leave similarity to the target alone",
    ):
        assert passed[says].passed, (says, passed[says])
    rate = next(c for c in found.curves if (c.sweep, c.metric) == ("failing", "sim_gt_failure_aware"))
    alone = next(c for c in found.curves if (c.sweep, c.metric) == ("failing", "sim_gt"))
    assert rate.means[0] == alone.means[0], "without failures both forms are one"
    assert (np.diff(rate.means) <= 0).all() and rate.means[-1] < 0.8 * rate.means[0]

    written = json.loads((pictures / "calibration.json").read_text())
    assert written["failed"] == len(found.failed) and len(written["checks"]) == len(found.checks)
    sweeps = pd.read_csv(pictures / "tables" / "sweeps.csv")
    row = sweeps.query("sweep == 'copying' and metric == 'copy_paste' and value == 1").iloc[0]
    curve = next(c for c in found.curves if (c.sweep, c.metric) == ("copying", "copy_paste"))
    assert row["mean"] == pytest.approx(curve.points[-1].mean)
    assert {path.stem for path in (pictures / "tables").glob("*.csv")} == {"checks", "sweeps", "repeats", "views"}

    pairs = similarities(pictures, "mini-a", read_tables(pictures)[2])
    judged = found.verifications["mini-a"]
    assert (len(pairs.genuine), len(pairs.impostor)) == (judged.genuine, judged.impostor)
    assert auc(pairs.genuine, pairs.impostor) == pytest.approx(judged.auc)
    ahead = found.seen[0]
    assert [one.yaw for one in found.seen] == list(YAWS)
    assert ahead.found == 1 and ahead.landmark_error < 0.15 and ahead.similarity["mini-a"] == pytest.approx(1)
    assert found.seen[-1].similarity["mini-a"] < 0.95

    assert_page(pictures / "calibration.html", found)


@pytest.mark.slow
def test_a_broken_metric_is_found_out(packs, pictures, tmp_cache, monkeypatch):
    monkeypatch.setattr("idbench.metrics.catalog.copy_paste", lambda *vectors: 0.25)
    found = run_calibration(packs, pictures, tmp_cache, monkeypatch)
    failed = {check.says for check in found.failed}
    assert "copy-paste rises with copying" in failed
    verdict = next(c.verdict for c in found.checks if c.says == "copy-paste rises with copying")
    assert verdict.number is None and "0.25 wherever the dial stands" in verdict.found
    assert "similarity to the target falls with drift" not in failed, "what is not broken still passes"


class _Page(HTMLParser):
    """Unclosed elements, what is referred to, and where links inside the page lead."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})
    SHAPES = frozenset({"path", "rect", "circle", "ellipse", "use"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self._note(tag, dict(attrs))

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def _note(self, tag, attrs):
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.sources += [attrs["src"]] if "src" in attrs else []
        if tag == "a":
            self.anchors.append(attrs["href"])
        elif "href" in attrs:
            self.sources.append(attrs["href"])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def assert_page(path: Path, found: Calibration) -> None:
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert not page.wrong and not page.open, (page.wrong, page.open)
    assert len(page.ids) == len(set(page.ids)) and {a.removeprefix("#") for a in page.anchors} <= set(page.ids)
    assert page.sources and all(source.startswith("data:") for source in page.sources)
    assert not re.search(r"https?://|url\(|@import|<script", text)
    assert not re.search(r">\s*nan\b", text, re.IGNORECASE)
    for check in found.checks:
        assert check.says in text
    passing = len(found.checks) - len(found.failed)
    assert f"{passing} of {len(found.checks)} checks pass" in text
    assert text == render(found)


def test_a_run_is_not_overwritten(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="holds a run"):
        calibrate(configure(out=str(tmp_path), recognizers=["mini"]), lambda *_: None, lambda _: None)
