"""Two models held against each other: equal ones differ in nothing, known differences are found."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support.command_line import run_main

from idbench.diagnostics.crosscheck import image_differences, keep_first
from idbench.suites import open_suite, synthetic


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for this file, so that the suite is rendered once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def crosscheck(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command on the four cases of two people among sixteen: its exit code and what it says."""
    monkeypatch.setitem(synthetic.SIZES, "small", 16)
    monkeypatch.setenv("IDBENCH_CACHE", str(cache))

    def crosscheck(out: Path, *models: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        arguments = ("models", "crosscheck", *models, "--subset", "p2", *options, "--out", out)
        return run_main(monkeypatch, capsys, *arguments)

    return crosscheck


@pytest.mark.slow
def test_equal_models_differ_in_nothing(crosscheck, tmp_path):
    code, out, err = crosscheck(tmp_path / "run", "a=sim:drift=0.2", "b=sim:drift=0.2")
    assert not code, err
    assert "noise" in out and out.splitlines()[-1] == str(tmp_path / "run" / "crosscheck.json")
    found = json.loads((tmp_path / "run" / "crosscheck.json").read_text())
    images = found["images"]["summary"]
    assert images["compared"] == images["equal"] == images["images"] > 1 and images["mean"] == images["largest"] == 0
    assert images["psnr"] is None and images["ssim"] == 1
    judged = found["recognizers"]["mini"]
    assert judged["other_outcomes"] == 0 and {"sim_gt", "copy_paste", "blending"} <= set(judged["metrics"])
    for metric in judged["metrics"].values():
        gap = metric["difference"]
        assert gap["mean"] == gap["low"] == gap["high"] == metric["largest"]["difference"] == 0 < gap["n"]


@pytest.mark.slow
def test_a_known_difference_is_found_with_its_sign_and_place_and_a_second_call_makes_no_image(crosscheck, tmp_path):
    run = tmp_path / "run"
    models = ("faithful=sim:copy=0", "copier=sim:copy=1,fail=0.3")
    code, _, err = crosscheck(run, *models)
    assert not code, err
    found = json.loads((run / "crosscheck.json").read_text())
    copying = found["recognizers"]["mini"]["metrics"]["copy_paste"]
    assert copying["difference"]["mean"] < copying["difference"]["high"] < 0
    assert copying["a"] - copying["b"] == pytest.approx(copying["difference"]["mean"])
    assert abs(copying["largest"]["difference"]) >= abs(copying["difference"]["mean"])
    images = found["images"]["summary"]
    lost = images["not_compared"]["no image of copier"]
    assert lost > 0 and images["compared"] + lost == images["images"] and images["equal"] == 0
    assert found["recognizers"]["mini"]["other_outcomes"] == 2 * lost
    with (run / "crosscheck.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == images["images"] and sum(row["psnr"] == "" for row in rows) == lost
    made = {path: path.stat().st_mtime_ns for path in (run / "images").rglob("*.png")}
    (run / "crosscheck.json").unlink()
    again = json.loads(crosscheck(run, *models, options=("--json",))[1])
    assert again == found and made == {path: path.stat().st_mtime_ns for path in (run / "images").rglob("*.png")}


def test_models_must_be_told_apart(crosscheck, tmp_path):
    code, out, err = crosscheck(tmp_path / "run", "sim:good", "sim:good")
    assert (code, out) == (1, "") and err.startswith("idbench: ") and err.count("\n") == 1
    assert "two models are called 'good'" in err and not (tmp_path / "run").exists()


def test_pixel_differences_are_what_their_names_say():
    black = np.zeros((8, 8, 3), np.uint8)
    other = black.copy()
    other[0, 0] = 255
    found = image_differences(black, other)
    assert found["mean"] == pytest.approx(255 / 64) and found["largest"] == 255
    assert found["psnr"] == pytest.approx(10 * np.log10(64)) and found["ssim"] < 1
    assert image_differences(black[:6], other[:6])["ssim"] is None


def test_the_first_cases_are_the_suite_s_own(real_suite, tmp_path):
    kept = list(open_suite(str(keep_first(open_suite(str(real_suite)), 3, tmp_path))).cases())
    for case, good in zip(kept, open_suite(str(real_suite)).cases(), strict=False):
        assert (case.id, case.prompt, case.subset) == (good.id, good.prompt, good.subset)
        assert [p.box for p in case.people] == [p.box for p in good.people]
        assert [image.read() for image in case.images()] == [image.read() for image in good.images()]
    assert len(kept) == 3
