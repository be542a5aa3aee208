"""A model of another package gets batches, offloading, time limits and preflight without a class of idbench's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from PIL import Image

CHEAP = ["--suite", "squares:5", "--recognizer", "colours", "--no-oracles", "--resamples", "100", "--gallery", "0",
         "--clip", "off", "--aesthetic", "off", "--device", "cpu", "--quiet"]  # fmt: skip


def ledger(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "generations.jsonl").read_text().splitlines()]


def test_it_is_run_as_it_says(idbench, tmp_path: Path):
    out = tmp_path / "run"
    keys = {"STUDIO_KEY": "its own", "OPENAI_API_KEY": "somebody else's"}
    done = idbench("run", *CHEAP, "--model", "studio:portrait", "--model", "flat", "--set", "flat.shade=99",
                   "--seeds", "2", "--out", out, **keys)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "studio: prompts are written on a board that everybody can read" in done.stderr
    assert "studio: it is tight on cpu" in done.stderr
    made = ledger(out)
    own = [line for line in made if line["model"] == "portrait"]
    assert {line["outcome"] for line in made} == {"generated"} and len(own) == 10
    assert Counter(line["batch"] for line in own) == {3: 9, 1: 1}
    assert {line["offload"] for line in own} == {"model"} and {line["version"] for line in own} == {"its own"}
    assert {Image.open(line["path"]).getpixel((0, 0))[0] for line in own} == {3, 1}
    flat = {line["seed"]: Image.open(line["path"]).getpixel((0, 0))[0] for line in made if line["model"] == "flat"}
    assert flat == {0: 99, 1: 100}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["metrics"]["same_sign"]["direction"] == "higher"
    assert "same_sign" in summary["recognizers"]["colours"]["strict"]["groups"]["all"]["models"]["flat"]
    assert json.loads((out / "run.json").read_text())["detector"]["kind"] == "middle", "it comes with the recognizer"


def test_what_takes_too_long_is_ended(idbench, tmp_path: Path):
    out = tmp_path / "run"
    done = idbench("run", *CHEAP, "--model", "sleeper", "--seeds", "2", "--time-limit", "1.5", "--suite", "squares:1",
                   "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcomes = {line["seed"]: (line["outcome"], line.get("error", "")) for line in ledger(out)}
    assert outcomes[0][0] == "generated"
    assert outcomes[1][0] == "generation_failed" and "time limit" in outcomes[1][1]


def test_what_would_stop_it_is_said_before_anything_is_done(idbench, tmp_path: Path):
    out = tmp_path / "run"
    asked = ["run", *CHEAP, "--model", "studio", "--out", out]
    checked = idbench("models", "check", "studio:group", STUDIO_CLOSED="yes")
    assert checked.returncode == 1 and "licence     studio: the licence ran out; buy another" in checked.stdout
    planned = json.loads(idbench(*asked, "--dry-run", "--json", STUDIO_CLOSED="yes").stdout)
    assert planned["models"][0]["gpu_memory_gb"] == 3.0
    assert "studio: the licence ran out; buy another" in planned["models"][0]["blockers"]
    stopped = idbench(*asked, STUDIO_CLOSED="yes")
    assert stopped.returncode == 1 and not out.exists()
    assert stopped.stderr.splitlines()[-1] == "idbench: studio: the licence ran out; buy another"
