"""Run directories with made-up scores, and the page that a report is, read back."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idbench.metrics.catalog import METRICS_EDITION
from idbench.records.summary import Summary
from idbench.stats import Verification
from idbench.summary import Settings, summarise

HOSTILE = "<script>alert(1)</script>&\"'"
MODELS = {"good": (0.8, 0.1), "paste": (0.5, 0.6), "weak": (0.1, 0.0), HOSTILE: (0.6, 0.3)}
ORACLES = {"oracle-target": (1.0, -1.0), "oracle-reference": (0.5, 1.0)}
VERIFICATION = {"auc": 0.99, "equal_error_rate": 0.02, "threshold": 0.4, "false_accept_rate": 0.01, "attained": 0.009,
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
                gt, tr = sim + noise * rng.normal(), 0.5 + 0.1 * rng.normal()
                row |= {"face": person, "blending": 0.05, "slot_accuracy": 1.0}
                row |= triangle(gt, tr, copying + noise * rng.normal())
                row |= {"x1": 10.0 + 40 * person, "y1": 10.0, "x2": 40.0 + 40 * person, "y2": 50.0}
            rows.append(row)
        if "paper" in protocols:
            row = common | {"protocol": "paper", "outcome": "generation_failed" if failed else "scored"}
            if not failed:
                row |= {"sim_gt": min(1.0, sim + 0.01), "sim_ref": 0.5, "copy_paste": copying, "blending": 0.0}
                row |= {"sim_ref_unpadded": 0.52, "copy_paste_unpadded": copying + 0.02}
            rows.append(row)
    return [r for r in rows if r["protocol"] in protocols]


def triangle(sim_gt: float, sim_tr: float, copying: float) -> dict[str, float]:
    """Three similarities and the copy-paste that they give; sim_tr grows where there is no such triangle otherwise."""
    to_target, apart = np.arccos(sim_gt), np.arccos(sim_tr)
    apart = min(apart, to_target / copying) if copying > 0 else apart
    to_reference = to_target - copying * apart
    return {"sim_gt": sim_gt, "sim_ref": np.cos(to_reference), "sim_tr": np.cos(apart), "copy_paste": copying}


_BUILT: dict[str, tempfile.TemporaryDirectory] = {}


def build_run(folder: Path, **wanted: Any) -> Path:
    """A run directory as `write_run` makes it, made once for everybody who wants the same."""
    key = repr((sorted(wanted.items()), MODELS))
    if key not in _BUILT:
        built = tempfile.TemporaryDirectory(prefix="idbench-run-")
        write_run(Path(built.name) / "run", **wanted)
        _BUILT[key] = built
    shutil.copytree(Path(_BUILT[key].name) / "run", folder)
    return folder


def write_run(
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
) -> None:
    """A finished run directory with made-up scores; two people in case 1, one elsewhere."""
    rng, photos = np.random.default_rng(seed), np.random.default_rng(0)
    folder.mkdir(parents=True)
    (folder / "thumbs").mkdir()
    scores, images, suite = [], [], []
    for number in range(cases):
        case, people = f"case{number}", 2 if number == 1 else 1
        common = {"case": case, "subset": "p1" if number % 2 else "p2", "cluster": f"c{number % clusters}"}
        digests = {name: thumbnail(folder, photos) for name in ("target", "reference")}
        for recognizer in recognizers:
            for person in range(people):
                suite.append(common | {
                    "identity": f"{case}:{person}", "recognizer": recognizer, "prompt": f"A person & {HOSTILE}, case {number}",
                    **digests, "person": person, "references": 1, "target_width": 200, "target_height": 240, "sim_tr": 0.5 + 0.1 * photos.normal(),
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
    verifications = {name: Verification(**VERIFICATION) for name in recognizers}
    (folder / "verification.json").write_text(json.dumps(dict.fromkeys(recognizers, VERIFICATION)))
    summary = summarise(
        *(pd.read_parquet(folder / f"{n}.parquet") for n in ("scores", "images", "suite")),
        verifications,
        Settings(resamples=200),
    )
    write_summary(folder, summary)
    (folder / "run.json").write_text(
        json.dumps(run_record(frames, models, oracles, recognizers, suite_name, fingerprint, weights))
    )


def write_summary(folder: Path, summary: Summary) -> None:
    (folder / "summary.json").write_text(summary.model_dump_json(exclude_unset=True))


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
                  "subsets": {"p1": len(cases) // 2, "p2": len(cases) - len(cases) // 2}, "labelled": True, "rendered": False, "without_target": 0, "with_boxes": 0},
        "models": {m: {"kind": "images", "folder": "outputs"} for m in models} | {m: {"kind": "oracle", "what": m} for m in oracles},
        "detector": {"kind": "scrfd", "weights": {"d.onnx": "d" * 64}, "threshold": 0.45, "providers": ["CPUExecutionProvider"]},
        "recognizers": {r: {"kind": "insightface", "family": "arcface", "weights": {"r.onnx": f"{weights}-{r}"}, "licence": "research"} for r in recognizers},
        "provenance": {"idbench": "0.1.0", "metrics_edition": METRICS_EDITION, "git": {"commit": "c" * 40, "clean": True}, "python": "3.11", "system": "Linux", "cores": 2, "packages": {"numpy": "2"}},
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


def summary_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text())


def section(run: Path, name: str) -> Page:
    text = (run / "report.html").read_text(encoding="utf-8")
    return Page(re.search(rf'<section id="{name}">.*?</section>', text, re.S).group(0))


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


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
