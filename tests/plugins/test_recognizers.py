"""A recognizer of another package scores and is calibrated as a built-in one is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_it_is_calibrated(idbench, tmp_path: Path):
    out = tmp_path / "calibration"
    done = idbench("calibrate", "--recognizer", "colours", "--detector", "mini", "--cases", "2", "--repeats", "20",
                   "--out", out, "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "calibration.json").read_text())
    assert found["recognizers"]["colours"]["family"] == "colours" and found["checks"]
    assert (out / "calibration.html").exists()


def test_it_scores_people_who_never_lived(idbench, tmp_path: Path):
    out = tmp_path / "run"
    done = idbench("run", "--subset", "p1", "--model", "sim:good", "--recognizer", "brightness", "--recognizer", "mini",
                   "--resamples", "100", "--gallery", "0", "--out", out, "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    models = json.loads((out / "summary.json").read_text())["recognizers"]["brightness"]["strict"]["models"]
    assert models["oracle-target"]["same_sign"]["mean"] == 1 > models["oracle-stranger"]["same_sign"]["mean"]
