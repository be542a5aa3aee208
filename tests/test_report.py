"""The report: what a reader sees is what the summary says, safely and in every form."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idbench.errors import RunError
from idbench.report import write_report
from idbench.report.html import files
from idbench.report.labels import place
from idbench.report.plane import planes
from idbench.report.tables import Column, Number, Row, Table, slug
from idbench.stats import Verification
from idbench.summary import Settings, summarise

HOSTILE = "<script>alert(1)</script>&\"'"
MODELS = {"good": (0.8, 0.1), "paste": (0.5, 0.6), "weak": (0.1, 0.0), HOSTILE: (0.6, 0.3)}
ORACLES = {"oracle-target": (1.0, -1.0), "oracle-reference": (0.5, 1.0)}
JUDGE = {"auc": 0.99, "equal_error_rate": 0.02, "threshold": 0.4, "false_accept_rate": 0.01, "attained": 0.009,
         "resolution": 0.005, "true_accept_rate": 0.9, "genuine": 8, "impostor": 200, "people": 8, "people_used": 8, "left_out": 0, "auc_all": 0.99, "equal_error_rate_all": 0.02}  # fmt: skip


def score_rows(
    rng: np.random.Generator, model: str, case: str, people: int, recognizers: list[str], clusters: int, protocols
):
    sim, copying = (MODELS | ORACLES)[model]
    number = int(case[4:])
    missing = model == "weak" and number == 1
    failed = model == "paste" and number == 2
    rows = []
    for recognizer in recognizers:
        common = {"model": model, "case": case, "subset": "p1" if number % 2 else "p2", "cluster": f"c{number % clusters}",
                  "recognizer": recognizer, "seed": 0}  # fmt: skip
        noise = 0.0 if model in ORACLES else 0.05
        for person in range(people):
            outcome = "generation_failed" if failed else "missing_person" if missing and person == 0 else "scored"
            row: dict[str, Any] = common | {
                "protocol": "strict",
                "person": person,
                "identity": f"{case}:{person}",
                "outcome": outcome,
            }
            if outcome == "scored":
                gt = sim + noise * rng.normal()
                row |= {
                    "face": person,
                    "sim_gt": gt,
                    "sim_ref": 0.5 + 0.4 * copying,
                    "sim_tr": 0.5 + 0.1 * rng.normal(),
                }
                row |= {"copy_paste": copying + noise * rng.normal(), "blending": 0.05, "slot_accuracy": 1.0}
                row |= {"x1": 10.0 + 40 * person, "y1": 10.0, "x2": 40.0 + 40 * person, "y2": 50.0}
            rows.append(row)
        if "paper" in protocols:
            row = common | {"protocol": "paper", "outcome": "generation_failed" if failed else "scored"}
            if not failed:
                row |= {"sim_gt": sim + 0.01, "sim_ref": 0.5, "copy_paste": copying, "blending": 0.0}
                row |= {"sim_ref_unpadded": 0.52, "copy_paste_unpadded": copying + 0.02}
            rows.append(row)
    return [r for r in rows if r["protocol"] in protocols]


def build_run(
    folder: Path,
    cases: int = 8,
    clusters: int = 4,
    models=tuple(MODELS),
    oracles=tuple(ORACLES),
    recognizers=("judge-a", "judge-b"),
    protocols=("strict", "paper"),
    suite_name: str = "tiny",
    fingerprint: str = "f" * 64,
    weights: str = "a",
    seed: int = 0,
) -> Path:
    """A finished run directory with made-up scores; two people in case 1, one elsewhere."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    (folder / "thumbs").mkdir()
    scores, images, suite = [], [], []
    for number in range(cases):
        case, people = f"case{number}", 2 if number == 1 else 1
        common = {"case": case, "subset": "p1" if number % 2 else "p2", "cluster": f"c{number % clusters}"}
        digests = {name: thumbnail(folder, rng) for name in ("target", "reference")}
        for recognizer in recognizers:
            for person in range(people):
                suite.append(common | {
                    "identity": f"{case}:{person}", "recognizer": recognizer, "prompt": f"A person & {HOSTILE}, case {number}",
                    **digests, "person": person, "references": 1, "target_width": 200, "target_height": 240, "sim_tr": 0.5 + 0.1 * rng.normal(),
                    "target_x1": 20.0, "target_y1": 20.0, "target_x2": 90.0, "target_y2": 120.0,
                    "reference_x1": 20.0, "reference_y1": 20.0, "reference_x2": 90.0, "reference_y2": 120.0,
                })  # fmt: skip
        for model in (*models, *oracles):
            failed = model == "paste" and number == 2
            images.append(common | {
                "model": model, "seed": 0, "outcome": "generation_failed" if failed else "generated", "faces_expected": people,
                "digest": None if failed else thumbnail(folder, rng), "path": None, "error": f"out of memory {HOSTILE}" if failed else None,
                "width": None if failed else 200, "height": None if failed else 240, "faces_found": None if failed else people,
                "extra_faces": None if failed else 0, "missing_people": None if failed else 0, "prompt_cut": None,
                "clip_i": None, "clip_t": None, "aesthetic": None, "seconds": None,
            })  # fmt: skip
            scores += score_rows(rng, model, case, people, list(recognizers), clusters, protocols)
    frames = {"scores": pd.DataFrame(scores), "images": pd.DataFrame(images), "suite": pd.DataFrame(suite)}
    write_tables(folder, frames)
    judges = {name: Verification(**JUDGE) for name in recognizers}
    (folder / "judges.json").write_text(json.dumps({name: one.as_dict() for name, one in judges.items()}))
    summary = summarise(
        *(pd.read_parquet(folder / f"{n}.parquet") for n in ("scores", "images", "suite")),
        judges,
        Settings(resamples=200),
    )
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "run.json").write_text(
        json.dumps(run_record(frames, models, oracles, recognizers, suite_name, fingerprint, weights))
    )
    return folder


def write_tables(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from idbench import tables

    for name, frame in frames.items():
        schema = getattr(tables, f"{name}_schema")()
        assert not set(frame.columns) - set(schema.names)
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}.parquet")


def run_record(frames, models, oracles, recognizers, suite_name, fingerprint, weights) -> dict[str, Any]:
    cases = sorted(set(frames["images"]["case"]))
    return {
        "schema_version": 1, "state": "finished",
        "config": {"suite": suite_name, "gallery": 5, "clip": "auto", "aesthetic": "off", "resamples": 200, "level": 0.95,
                   "interval": "percentile", "statistics_seed": 0},
        "suite": {"name": suite_name, "source": HOSTILE, "licence": "CC0 " + HOSTILE, "fingerprint": fingerprint, "cases": len(cases),
                  "people": len(cases) + 1, "identities": len(cases), "clusters": frames["images"]["cluster"].nunique(),
                  "subsets": {"p1": len(cases) // 2, "p2": len(cases) - len(cases) // 2}, "labelled": True, "without_target": 0, "with_boxes": 0},
        "models": {m: {"kind": "images", "folder": "outputs"} for m in models} | {m: {"kind": "oracle", "what": m} for m in oracles},
        "detector": {"kind": "scrfd", "weights": {"d.onnx": "d" * 64}, "threshold": 0.45, "providers": ["CPUExecutionProvider"]},
        "recognizers": {r: {"kind": "insightface", "family": "arcface", "weights": {"r.onnx": f"{weights}-{r}"}, "licence": "research"} for r in recognizers},
        "provenance": {"idbench": "0.1.0", "git": {"commit": "c" * 40, "clean": True}, "python": "3.11", "system": "Linux", "cores": 2, "packages": {"numpy": "2"}},
        "counts": {"suite_problems": {"case9": "no reference " + HOSTILE}, "suite_photos_unreadable": {"x.jpg": "truncated"}, "encoders": {},
                   "surplus_files": {m: {"count": 1 if m == "good" else 0, "first": ["extra " + HOSTILE] if m == "good" else []} for m in models}},
    }  # fmt: skip


def thumbnail(folder: Path, rng: np.random.Generator) -> str:
    digest = rng.bytes(32).hex()
    pixels = np.full((120, 100, 3), rng.integers(0, 255, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "thumbs" / f"{digest}.jpg")
    return digest


class Page(HTMLParser):
    """What a browser would build: elements with attributes, and all text outside script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._stack.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag == "small" and self.rows and self.rows[-1]:
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag):
        while self._stack and self._stack.pop() != tag:
            pass

    def handle_data(self, data):
        data = data.replace("\xa0", " ")
        if not {"script", "style"} & set(self._stack):
            self.text += data
            if {"td", "th"} & set(self._stack) and self.rows and self.rows[-1]:
                self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = build_run(tmp_path_factory.mktemp("report") / "run")
    assert write_report(folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page((run / "report.html").read_text(encoding="utf-8"))


def summary_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text())


def section(run: Path, name: str) -> Page:
    text = (run / "report.html").read_text(encoding="utf-8")
    return Page(re.search(rf'<section id="{name}">.*?</section>', text, re.S).group(0))


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


def test_headline_equals_the_summary(run: Path):
    table = summary_of(run)["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    rows = section(run, "headline").rows
    heading = next(r for r in rows if r[0] == "rank")
    first = heading.index("failures count 0 ↑")
    names = [
        "sim_gt_failure_aware",
        "sim_gt",
        "sim_ref_failure_aware",
        "sim_ref",
        "copy_paste",
    ]
    for model in MODELS:
        row = next(r for r in rows if len(r) > 1 and r[1] == model)
        for offset, name in enumerate(names):
            entry = table["models"][model][name]
            expected = f"{entry['mean']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]".replace("-", "−")
            assert row[first + offset] == expected
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv").set_index("model")
    for model in (*MODELS, *ORACLES):
        for name in names:
            for part in ("mean", "low", "high", "n"):
                assert csv.loc[model, f"{name}_{part}"] == table["models"][model][name][part]


def test_compact_table_fits_a_paper_and_equals_the_summary(run: Path):
    models = summary_of(run)["recognizers"]["judge-a"]["strict"]["models"]
    csv = pd.read_csv(run / "tables" / "compact_judge-a.csv").set_index("model")
    for model in (*MODELS, *ORACLES):
        for name in ("sim_gt_failure_aware", "copy_paste", "found"):
            assert csv.loc[model, name] == models[model][name]["mean"]
    lines = (run / "tables" / "compact_judge-a.tex").read_text().splitlines()
    assert all(len(line) < 80 for line in lines if line.startswith("good"))
    assert any("Sim(GT)" in line for line in lines)


def test_failures_tell_the_two_forms_apart(run: Path):
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv").set_index("model")
    assert csv.loc["paste", "sim_gt_failure_aware_mean"] < csv.loc["paste", "sim_gt_mean"]
    assert csv.loc["paste", "found_mean"] < 1
    assert csv.loc["good", "sim_gt_failure_aware_mean"] == csv.loc["good", "sim_gt_mean"]


def test_ranks(run: Path):
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv", dtype=str).set_index("model")
    ranks = summary_of(run)["recognizers"]["judge-a"]["strict"]["groups"]["all"]["ranks"]
    assert csv.loc["good", "rank"].rstrip("=") == "1"
    assert csv.loc["weak", "copy_paste_rank"] == "below floor"
    assert {m: int(csv.loc[m, "rank"].rstrip("=")) for m in MODELS} == ranks["sim_gt_failure_aware"]
    for model in MODELS:
        shared = list(ranks["sim_gt_failure_aware"].values()).count(ranks["sim_gt_failure_aware"][model]) > 1
        assert csv.loc[model, "rank"].endswith("=") == shared


def test_oracles_stand_apart(run: Path):
    rows = [r[0] if len(r) == 1 else r[1] for r in section(run, "headline").rows if r]
    ruler = rows.index("The ruler: oracles, whose answers are known")
    assert set(MODELS) <= set(rows[:ruler])
    assert not set(ORACLES) & set(rows[:ruler])
    assert rows[ruler + 1 : ruler + 3] == list(ORACLES)


def test_directions_come_from_the_declarations(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    summary = summary_of(folder)
    summary["metrics"]["blending"]["direction"] = "higher"
    (folder / "summary.json").write_text(json.dumps(summary))
    write_report(folder)
    assert any("identity blending ↑" in r for r in section(folder, "headline").rows)


def test_outcomes_show_every_failure(run: Path, page: Page):
    csv = pd.read_csv(run / "tables" / "outcomes_judge-a.csv").set_index("model")
    assert csv.loc["weak", "people_missing_person"] == 1
    assert csv.loc["paste", "people_generation_failed"] == csv.loc["paste", "images_generation_failed"] == 1
    assert csv.loc["good", "surplus_files"] == 1
    people = [c for c in csv.columns if c.startswith("people_")]
    assert (csv[people].sum(axis=1) == 9).all()
    assert "truncated" in page.text
    assert "generation failed" in section(run, "gallery").text


def test_without_clusters_intervals_are_dashes(tmp_path: Path):
    folder = build_run(tmp_path / "run", clusters=1, protocols=("strict",))
    write_report(folder)
    row = next(r for r in section(folder, "headline").rows if len(r) > 1 and r[1] == "good")
    assert row[2].endswith(" –") and not row[2].startswith("–")
    assert "fewer than two clusters" in (folder / "report.html").read_text(encoding="utf-8")
    csv = pd.read_csv(folder / "tables" / "headline_judge-a.csv").set_index("model")
    assert np.isnan(csv.loc["good", "sim_gt_low"])


def test_missing_numbers_are_dashes_never_zero(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    summary = summary_of(folder)
    group = summary["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    del group["models"]["good"]["blending"], group["models"]["weak"]["sim_ref"]
    (folder / "summary.json").write_text(json.dumps(summary))
    write_report(folder)
    rows = section(folder, "headline").rows
    at = next(r for r in rows if r[0] == "rank").index("identity blending ↓")
    assert next(r for r in rows if len(r) > 1 and r[1] == "good")[at] == "–"


def test_paper_only(tmp_path: Path):
    folder = build_run(tmp_path / "run", protocols=("paper",))
    write_report(folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    ids = {attrs.get("id") for tag, attrs in page.elements if tag == "section"}
    assert {"headline", "outcomes", "quirks", "gallery"} <= ids
    assert not ids & {"plane", "distributions", "comparisons", "protocols"}
    entry = summary_of(folder)["recognizers"]["judge-a"]["paper"]["models"]["good"]["sim_gt"]
    assert any(f"{entry['mean']:.3f}" in r for r in section(folder, "headline").rows)


def test_attribution_adds_up(run: Path):
    csv = pd.read_csv(run / "tables" / "protocols_judge-a.csv")
    parts = csv[["outliers", "padding", "other"]].fillna(0).sum(axis=1)
    known = csv["difference"].notna()
    assert known.any()
    np.testing.assert_allclose(parts[known], csv["difference"][known], atol=1e-12)
    np.testing.assert_allclose(csv["paper"][known] - csv["strict"][known], csv["difference"][known], atol=1e-12)
    row = csv[(csv["model"] == "good") & (csv["metric"] == "similarity to the reference")].iloc[0]
    assert row["padding"] == pytest.approx(-0.02)


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
    (folder / "tables" / "headline_gone.csv").write_text("old")
    (folder / "tables" / "mine.txt").write_text("kept")
    write_report(folder)
    assert not (folder / "tables" / "headline_gone.csv").exists()
    assert (folder / "tables" / "mine.txt").exists()


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    "options",
    [
        {"models": ()},
        {"oracles": ()},
        {"models": ("weak",), "oracles": ()},
        {"models": ("good",), "recognizers": ("one",), "protocols": ("strict",)},
        {"recognizers": ("</td><script>", "../../x", "..-..-X")},
    ],
    ids=["oracles only", "no oracles", "nothing above the floor", "one model", "odd judges"],
)
def test_unusual_runs_have_a_report(tmp_path: Path, options: dict[str, Any]):
    folder = build_run(tmp_path / "run", **options)
    text = write_report(folder).read_text(encoding="utf-8")
    assert [attrs for tag, attrs in Page(text).elements if tag == "script"] == [{}]
    judges = len(options.get("recognizers", ("a", "b")))
    assert len([p for p in (folder / "tables").glob("headline_*.csv") if "_paper" not in p.name]) == judges
    assert {p.name for p in tmp_path.iterdir()} == {"run"}


def test_a_run_that_says_little_about_itself(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    change(folder, "run.json", provenance={}, counts={}, models={}, state="running")
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    assert "not finished" in page.text and "unknown" in page.text


def test_no_gallery_asked_for(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    change(folder, "run.json", config=record["config"] | {"gallery": 0})
    write_report(folder)
    assert "without a gallery" in section(folder, "gallery").text


def test_everything_failed(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    scores, images, suite = (pd.read_parquet(folder / f"{n}.parquet") for n in ("scores", "images", "suite"))
    judged = scores["model"].isin(list(MODELS))
    scores.loc[judged, ["sim_gt", "sim_ref", "copy_paste", "blending", "slot_accuracy", "face"]] = np.nan
    scores.loc[judged, "outcome"] = "missing_image"
    scores.to_parquet(folder / "scores.parquet")
    summary = summarise(scores, images, suite, {}, Settings(resamples=100))
    (folder / "summary.json").write_text(json.dumps(summary))
    write_report(folder)
    row = next(r for r in section(folder, "headline").rows if len(r) > 1 and r[1] == "good")
    assert row[2].startswith("0.000") and row[3] == "–" and row[6] == "–"


def test_damaged_runs_are_named(tmp_path: Path):
    with pytest.raises(RunError, match=r"no run\.json"):
        write_report(tmp_path)
    folder = build_run(tmp_path / "run")
    (folder / "summary.json").write_text("{")
    with pytest.raises(RunError, match=r"summary\.json cannot be read"):
        write_report(folder)
    (folder / "scores.parquet").write_bytes(b"no parquet")
    (folder / "summary.json").write_text("{}")
    with pytest.raises(RunError, match=r"tables of .* cannot be read"):
        write_report(folder)
    for name in ("run.json", "summary.json"):
        folder = build_run(tmp_path / f"old {name}")
        (folder / name).write_text('{"schema_version": 0}')
        with pytest.raises(RunError, match="not finished by this version"):
            write_report(folder)


def test_a_damaged_thumbnail_is_no_image(tmp_path: Path):
    folder = build_run(tmp_path / "run", cases=2)
    for path in (folder / "thumbs").iterdir():
        path.write_bytes(b"no jpeg")
    write_report(folder)
    assert section(folder, "gallery").text.count("no image") >= 2


def example() -> Table:
    columns = [
        Column("model", "model_1"),
        Column("x", "x", "number", "group & co", "lower"),
        Column("p", "p", "p"),
        Column("n", "n", "count"),
    ]
    rows = [
        Row(["50% <of> $x_1$ {a} #~^\\", Number(-0.12345, -0.2, 0.1, 7), Number(0.0001), 3]),
        Row(["=1+1|b", Number(-0.0001), None, None], oracle=True),
    ]
    return Table("t", "A title\nwith 100 %", columns, rows)


def test_latex_is_escaped_and_balanced():
    text = example().latex()
    body = text.split("\n", 1)[1]
    bare = re.sub(r"\\[&%$#_{}\\]", "", body)
    assert bare.count("{") == bare.count("}") and body.count("\\begin") == body.count("\\end")
    assert not re.search(r"[%#_<>|]", bare.replace("tabular", ""))
    assert bare.count("$") % 2 == 0
    rows = [line for line in body.splitlines() if line.endswith("\\\\")]
    assert [re.sub(r"\\&", "", line).count("&") for line in rows] == [2, 3, 3, 3]
    assert "$-$0.123 [$-$0.200, 0.100]" in text and "\\textless{}0.001" in text
    assert text.index("\\midrule", text.index("\\midrule") + 1) < text.index("=1+1")


def test_latex_names_are_no_arguments_of_the_line_before():
    table = Table("t", "t", [Column("model", "model")], [Row(["first"]), Row(["[1pt]"]), Row(["*"]), Row(['"x"'])])
    lines = table.latex().splitlines()
    assert [line[:4] for line in lines[-6:-2]] == ["firs", "{}[1", "{}* ", "''x'"]


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


def test_markdown_and_csv():
    table = example()
    lines = table.markdown().splitlines()
    assert len(lines) == 4
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines)
    assert "<of>" not in table.markdown()
    frame = table.frame()
    assert list(frame.columns) == ["model", "x_mean", "x_low", "x_high", "x_n", "p", "n"]
    assert frame.loc[0, "x_mean"] == -0.12345 and frame.loc[1, "model"] == "'=1+1|b"
    assert table.csv().splitlines()[2] == "'=1+1|b,-0.0001,,,,,"


def test_no_negative_zero():
    column = Column("x", "x", "number")
    assert column.text(Number(-0.0001)) == "0.000 –"
    assert column.text(None) == "–"
    assert column.text(Number(None)) == "– –"


def test_file_names_stay_in_the_folder():
    assert "/" not in slug("../../etc/passwd") and not slug("../x").startswith(".")
    assert slug("///") == "unnamed"


def test_labels_do_not_cover_points_that_have_room():
    points = [(100.0, 100.0, "a model"), (130.0, 104.0, "another"), (115.0, 130.0, "third")]
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}
    labels = [(one, 6.6 * len(one.text)) for one in place(points, [p[:2] for p in points], 640, 10, 400)]
    lefts = [one.x - shift[one.anchor] * wide for one, wide in labels]
    boxes = [(x, one.y - 10, x + wide, one.y + 3) for x, (one, wide) in zip(lefts, labels, strict=True)]
    for a in range(3):
        for b in range(a):
            apart = (
                boxes[a][2] <= boxes[b][0]
                or boxes[b][2] <= boxes[a][0]
                or boxes[a][3] <= boxes[b][1]
                or boxes[b][3] <= boxes[a][1]
            )
            assert apart


def test_plane_places_points_by_their_numbers(run: Path):
    from idbench.report.data import load

    data = load(run)
    first, second = planes(data, "judge-a")
    assert {p.model for p in first.points} == set(MODELS)
    assert {p.model for p in second.points if p.oracle} == set(ORACLES)
    by = {p.model: p for p in second.points}
    assert by["oracle-target"].px > by["weak"].px
    assert by["oracle-target"].py > by["oracle-reference"].py
    assert first.line is not None and first.front
    for plane in (first, second):
        assert all(0 <= p.px <= plane.width and 0 <= p.py <= plane.height for p in plane.points)


def test_shipped_files_are_found():
    assert (files() / "report.html").is_file() and (files() / "paper_tables.csv").is_file()


# ---------------------------------------------------------------- in a browser


def browse(page: Path, tmp_path: Path, width: int, probe: str) -> dict[str, Any]:
    """Load a report in a frame of the given width, run `probe(document, window)` there, return its result."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium")
    text = page.read_text(encoding="utf-8").replace("</title>", "</title><script>window.seen=[];addEventListener('error',e=>seen.push(e.message));addEventListener('securitypolicyviolation',e=>seen.push(e.violatedDirective))</script>", 1)  # fmt: skip
    held = json.dumps(text).replace("</", "<\\/")
    wrapper = tmp_path / f"wrapper-{width}.html"
    wrapper.write_text(
        f"""<!doctype html><meta charset="utf-8"><body><script>
        const text = {held}, frame = document.createElement("iframe");
        frame.style = "width:{width}px;height:900px;border:0"; frame.srcdoc = text;
        frame.onload = () => {{
          let result;
          try {{ result = (({probe}))(frame.contentDocument, frame.contentWindow); }} catch (error) {{ result = {{error: String(error)}}; }}
          result.seen = frame.contentWindow.seen;
          const out = document.createElement("pre"); out.id = "result"; out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(result))));
          document.body.append(out);
        }};
        document.body.append(frame);
        </script></body>""",
        encoding="utf-8",
    )
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1000", "--virtual-time-budget=10000", "--dump-dom", wrapper.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="result">([^<]+)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    result = json.loads(base64.b64decode(found.group(1)))
    assert "error" not in result, result["error"]
    return result


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
  set("judge", "1"); set("sort", "copy-paste"); result.sorted = key(); result.judges = d.querySelectorAll(".mini[data-recognizer='0']:not([hidden])").length;
  set("order", "1"); result.reversed = key();
  set("sort", ""); set("subset", "=p1"); result.subset = cases();
  set("subset", ""); set("outcome", "generation_failed"); result.failed = [...shots()]; result.said = d.getElementById("shown").textContent;
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
    assert result["judges"] == 0
    assert result["subset"] and all(int(case[4:]) % 2 for case in result["subset"])
    assert result["failed"] in ([], ["paste"])
    assert re.fullmatch(r"[01] of 5 cases shown", result["said"])
    assert result["one"] == ["good"]
    assert result["seen"] == []
