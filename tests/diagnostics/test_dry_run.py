"""`idbench run --dry-run`: everything is said and nothing is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.in_process import idbench_here
from support.model_cards import write_card

from idbench.suites import synthetic


def test_a_dry_run_says_everything_and_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(synthetic.SIZES, "small", 4)
    folder = write_card(tmp_path)
    out = tmp_path / "run"
    flags = ["--suite", "synthetic:small", "--subset", "p2", "--model", str(folder), "--sweep", "mine.guidance=1,2"]
    flags += ["--seeds", "2", "--image-size", "640x480", "--out", str(out), "--dry-run"]
    planned = json.loads(idbench_here("run", *flags, "--json").stdout)
    assert [entry["model"] for entry in planned["models"]] == ["mine@guidance=1", "mine@guidance=2"]
    first = planned["models"][0]
    assert first["to_do"] == first["images"] == len(first["jobs"]) > 0 and {job["seed"] for job in first["jobs"]} == {
        0,
        1,
    }
    assert (first["parameters"]["width"], first["parameters"]["height"]) == (640, 480)
    assert first["weights"][0]["gigabytes"] == 1.5 and not first["weights"][0]["here"]
    assert first["gpu_memory_gb"] == 25.2 and any("are not here" in text for text in first["blockers"])
    said = idbench_here("run", *flags).stdout
    for part in (
        "missing, about 1.5 GB",
        "MIT",
        "GPU memory   about 25.2 GB",
        "guidance=2.0",
        "nothing was done",
    ):
        assert part in said
    assert not out.exists()


def test_images_that_would_be_made_anew_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(synthetic.SIZES, "small", 3)
    flags = [
        "--suite",
        "synthetic:small",
        "--subset",
        "p1",
        "--model",
        "sim:good",
        "--no-oracles",
        "--resamples",
        "100",
    ]
    flags += ["--clip", "off", "--aesthetic", "off", "--gallery", "0", "--out", str(tmp_path / "run")]
    assert idbench_here("run", *flags).returncode == 0
    assert "made anew" not in idbench_here("run", *flags, "--dry-run").stdout
    said = idbench_here("run", *flags, "--set", "good.copy=0.5", "--dry-run")
    assert "of other parameters, weights, code or versions" in said.stdout, said
