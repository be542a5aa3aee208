"""The report: what a reader sees is what the summary says, safely and in every form."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.reports import HOSTILE, MODELS, Page, build_run, change, section, summary_of, write_summary, write_tables

from idbench.errors import RunError
from idbench.report import write_report
from idbench.report.content import TABLE_NAMES
from idbench.summary import Settings, summarise


def test_hostile_names_stay_text(run: Path, page: Page):
    scripts = [attrs for tag, attrs in page.elements if tag == "script"]
    assert scripts == [{}]
    handlers = [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert not handlers
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    for place_ in (
        f"A person & {HOSTILE}, case 1",
        f"out of memory {HOSTILE}",
        f"no reference {HOSTILE}",
        f"CC0 {HOSTILE}",
        f"extra {HOSTILE}",
    ):
        assert place_ in page.text
    assert any(attrs.get("aria-label") == HOSTILE for _, attrs in page.elements)


def test_page_needs_nothing_from_outside(run: Path, page: Page):
    text = (run / "report.html").read_text(encoding="utf-8")
    for tag, attrs in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            if name in attrs:
                assert attrs[name].startswith(("data:image/jpeg;base64,", "#")), (tag, name)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    assert "http://" not in text and "https://" not in text and "@import" not in text
    assert "url(" not in text
    policy = next(
        a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy and "http" not in policy


def test_every_picture_is_held_once(run: Path, page: Page):
    held = [attrs for tag, attrs in page.elements if tag == "image"]
    assert len({a["href"] for a in held}) == len({a["id"] for a in held}) == len(held) > 0
    used = {attrs["href"] for tag, attrs in page.elements if tag == "use"}
    assert used == {"#" + a["id"] for a in held}
    base64.b64decode(held[0]["href"].split(",", 1)[1], validate=True)


def test_paper_only(tmp_path: Path):
    folder = build_run(tmp_path / "run", protocols=("paper",))
    write_report(folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    ids = {attrs.get("id") for tag, attrs in page.elements if tag == "section"}
    assert {"headline", "outcomes", "quirks", "gallery"} <= ids
    assert not ids & {"plane", "distributions", "comparisons", "protocols"}
    entry = summary_of(folder)["recognizers"]["judge-a"]["paper"]["models"]["good"]["sim_gt"]
    assert any(f"{entry['mean']:.3f}" in r for r in section(folder, "headline").rows)


def test_uncomputed_image_metrics_are_said(run: Path):
    text = section(run, "images").text
    assert "no CLIP weights were found" in text
    assert "they were switched off" in text


def test_published_numbers_only_for_the_papers_suite(run: Path, page: Page, tmp_path: Path):
    assert "Published numbers" not in page.text
    folder = build_run(tmp_path / "run", suite_name="multiid-bench")
    write_report(folder)
    rows = section(folder, "published").rows
    assert ["1a", "p1", "WithAnyone", "0.460", "0.578", "0.144", "–", "0.798", "0.313", "4.783", ""] in rows
    same = [r for r in rows if "OmniGen" in r and "p3" in r]
    assert "identical to the row for p2" in same[0][-1]


def test_output_is_the_same_twice(run: Path):
    def content() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in [run / "report.html", *(run / "tables").iterdir()]}

    before = content()
    write_report(run)
    assert content() == before


def test_tables_of_an_earlier_report_go(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    (folder / "tables").mkdir()
    for suffix in ("csv", "md", "tex"):
        (folder / "tables" / f"headline_gone.{suffix}").write_text("old")
    (folder / "tables" / "mine.txt").write_text("kept")
    write_report(folder)
    assert not (folder / "tables" / "headline_gone.csv").exists()
    assert (folder / "tables" / "mine.txt").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"models": ()},
        {"oracles": ()},
        {"models": ("weak",), "oracles": ()},
        {"models": ("good",), "recognizers": ("one",), "protocols": ("strict",)},
        {"recognizers": ("</td><script>", "../../x", "..-..-X")},
    ],
    ids=["oracles only", "no oracles", "nothing above the floor", "one model", "odd recognizers"],
)
def test_unusual_runs_have_a_report(tmp_path: Path, options: dict[str, Any]):
    folder = build_run(tmp_path / "run", **options)
    text = write_report(folder).read_text(encoding="utf-8")
    assert [attrs for tag, attrs in Page(text).elements if tag == "script"] == [{}]
    recognizers = len(options.get("recognizers", ("a", "b")))
    assert len([p for p in (folder / "tables").glob("headline_*.csv") if "_paper" not in p.name]) == recognizers
    assert {p.name for p in tmp_path.iterdir()} == {"run"}


def test_a_run_that_says_little_about_itself(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    change(folder, "run.json", detector=None, recognizers={}, counts={}, models={})
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    assert "No card, so it is not known" not in page.text


def test_a_run_that_is_not_finished_has_no_report(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    change(folder, "run.json", state="running")
    with pytest.raises(RunError, match="is not finished: its run goes on, or was stopped"):
        write_report(folder)
    assert not (folder / "report.html").exists()


def test_everything_failed(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    scores, images, suite = (pd.read_parquet(folder / f"{n}.parquet") for n in ("scores", "images", "suite"))
    evaluated = scores["model"].isin(list(MODELS))
    scores.loc[evaluated, ["sim_gt", "sim_ref", "copy_paste", "blending", "slot_accuracy", "face"]] = np.nan
    scores.loc[evaluated, "outcome"] = "missing_image"
    lost = images["model"].isin(list(MODELS))
    images.loc[lost, images.columns.difference(["model", "case", "subset", "cluster", "seed", "faces_expected"])] = None
    images.loc[lost, "outcome"] = "missing_image"
    write_tables(folder, {"scores": scores, "images": images, "suite": suite})
    summary = summarise(scores, images, suite, {}, Settings(resamples=100))
    write_summary(folder, summary)
    write_report(folder)
    headline = pd.read_csv(folder / "tables" / "headline_judge-a.csv").set_index("model")
    assert headline.loc["good", "sim_gt_failure_aware_mean"] == 0
    assert headline.loc["good", ["sim_gt_mean", "copy_paste_mean"]].isna().all()


def test_latex_compiles_where_there_is_a_latex(run: Path, tmp_path: Path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("pdflatex is not installed")
    inputs = "\n".join(f"\\input{{{p}}}" for p in sorted((run / "tables").glob("*.tex")))
    document = f"\\documentclass{{article}}\\usepackage[T1]{{fontenc}}\\usepackage{{booktabs}}\\begin{{document}}{inputs}\\end{{document}}"
    (tmp_path / "t.tex").write_text(document)
    done = subprocess.run(
        [latex, "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_only_tables_of_reports_are_removed(tmp_path):
    """What the user put beside the tables stays; tables of a recognizer that is gone do not."""
    folder = build_run(tmp_path / "run")
    write_report(folder)
    tables = folder / "tables"
    for name in ("thesis.csv", "thesis.tex", "thesis.md", "headline_edited.tex", "notes.md"):
        (tables / name).write_text("mine")
    for suffix in (".csv", ".tex", ".md"):
        (tables / f"headline_gone{suffix}").write_text("old")
    before = {path.name for path in tables.iterdir()}
    write_report(folder)
    assert before - {path.name for path in tables.iterdir()} == {f"headline_gone{s}" for s in (".csv", ".tex", ".md")}
    names = {path.stem for path in tables.iterdir()} - {"thesis", "notes"}
    assert all(TABLE_NAMES.fullmatch(name) for name in names)
