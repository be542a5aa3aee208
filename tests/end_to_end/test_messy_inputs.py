"""What is wrong with a suite or with images is one counted line each at the end of the run, and numbers stay right."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.runs import flags
from support.suites import real_cases, write_suite

from idbench.config import load_config
from idbench.errors import ConfigError, RunError
from idbench.report import gallery
from idbench.report.data import load
from idbench.run import execute


@pytest.fixture
def suite(real_suite, tmp_path):
    """A case of one person and one of two, with boxes; the targets are a model's images."""
    cases = real_cases(real_suite, (1, 2))
    root = write_suite(tmp_path / "suite", cases)
    (tmp_path / "m").mkdir()
    for case in cases:
        (tmp_path / "m" / f"{case.id}.jpg").write_bytes(case.target.read())
    return root, [case.id for case in cases]


@pytest.fixture
def run(suite, packs, tmp_cache, tmp_path):
    """Score the model's images; the strict rows and what was said."""

    def score():
        said = []
        images = {"m": str(tmp_path / "m")}
        config = flags(suite[0], packs, tmp_path / "run", tmp_cache, images=images, oracles=False)
        out = execute(load_config(None, config), warn=said.append)
        rows = pd.read_parquet(out / "scores.parquet").query("protocol == 'strict'").sort_values(["case", "person"])
        return rows, "\n".join(said)

    return score


def rewrite(root, change):
    manifest = root / "cases.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    for row in rows:
        for person in row["people"]:
            person["box"] = change(person["box"])
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("change", "slots", "said"),
    [
        (lambda box: box, True, ""),
        (lambda box: [edge / 3 for edge in box], False, "suite, 2 cases"),
        (lambda box: [box[0], box[1], box[2] - box[0], box[3] - box[1]], None, "suite, 2 cases"),
    ],
    ids=["pixels", "another size", "sides"],
)
def test_boxes_in_any_form_give_the_same_similarities(suite, run, change, slots, said):
    rewrite(suite[0], change)
    rows, lines = run()
    assert np.allclose(rows["sim_gt"], 1) and set(rows["outcome"]) == {"scored"}
    assert said in lines and bool(said) == ("suite, " in lines)
    if slots is not None:
        assert rows["slot_accuracy"].dropna().tolist() == ([1.0, 1.0] if slots else [])


def test_every_kind_of_loss_is_one_line(suite, run, tmp_path):
    root, (one, two) = suite
    (root / one / "target.jpg").unlink()
    (tmp_path / "m" / f"{two}.jpg").write_text("<html>gone</html>")
    (tmp_path / "m" / "other.jpg").write_bytes(b"")
    _, lines = run()
    assert lines.count("photos of the suite cannot be read") == 1 and f"first {one}/target" in lines
    assert "m: 1 of 2 images cannot be read and count as failures" in lines and "HTML page" in lines
    assert "m: 1 file matches no case and was not scored, first other.jpg" in lines


def test_boxes_of_each_others_people_are_not_used(suite, run):
    root, (_, two) = suite
    manifest = root / "cases.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    first, second = rows[1]["people"]
    first["box"], second["box"] = second["box"], first["box"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    scores, lines = run()
    assert np.allclose(scores["sim_gt"], 1) and not len(scores["slot_accuracy"].dropna())
    assert f"suite, 1 case {two}: boxes were not used" in lines and "clearly others of the case" in lines


def test_what_one_case_lacks_and_others_have_is_said(suite, run):
    root, (one, two) = suite
    manifest = root / "cases.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    del rows[0]["target"], rows[1]["people"][0]["box"]
    rows[0]["people"][0]["box"] = rows[0]["people"][0]["box"] or [1, 2, 30, 40]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, lines = run()
    assert f"1 of 2 cases have no target, first {one}" in lines
    assert (
        f"1 of 1 cases of several people have no box for each, so that places are not measured there, first {two}"
        in lines
    )


def test_a_damaged_colour_profile_is_named(suite, run, tmp_path):
    _, (one, _) = suite
    path = tmp_path / "m" / f"{one}.jpg"
    Image.open(path).save(tmp_path / "m" / f"{one}.png", icc_profile=b"damaged")
    path.unlink()
    _, lines = run()
    assert f"1 image has a colour profile that was ignored, first m/{one}.png: damaged" in lines


@pytest.mark.parametrize(("columns", "rows"), [(3, 1), (2, 2)])
def test_a_contact_sheet_is_named(suite, run, tmp_path, columns, rows):
    _, (one, _) = suite
    photo = Image.open(tmp_path / "m" / f"{one}.jpg").convert("RGB")
    sheet = Image.new("RGB", (columns * photo.width, rows * photo.height))
    for i in range(columns * rows):
        sheet.paste(photo, (i % columns * photo.width, i // columns * photo.height))
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=95)
    (tmp_path / "m" / f"{one}.jpg").write_bytes(data.getvalue())
    _, lines = run()
    assert "m: 1 image seems to hold several pictures side by side" in lines and one in lines


def test_images_of_no_case_stop_the_run(suite, run, tmp_path):
    for i, path in enumerate(sorted((tmp_path / "m").iterdir())):
        path.rename(tmp_path / "m" / f"{i:05}.jpg")
    with pytest.raises(ConfigError, match="files are numbered"):
        run()
    assert not (tmp_path / "run" / "report.html").exists()


def test_people_without_a_score_are_counted_with_the_reasons(suite, run):
    root, (one, two) = suite
    reference = next(path for path in (root / one).iterdir() if path.name != "target.jpg")
    (root / one / "target.jpg").write_bytes(reference.read_bytes())
    Image.new("RGB", (300, 300), "grey").save(root / two / "target.jpg")
    _, lines = run()
    assert (
        "copy-paste is undefined for 3 of 3 people of the suite (no face in the target: 2, target and reference are one "
        f"photo: 1), first {one}, person 1"
    ) in lines
    record = json.loads((root.parent / "run" / "run.json").read_text())["counts"]["people_undefined"]["mini-a"]
    assert record["count"] == 3 and set(record["first"]) == {f"{one}, person 1", f"{two}, person 1", f"{two}, person 2"}


@pytest.mark.parametrize("broken", ["write_report", "summarise", "score_cases"])
def test_what_is_lacking_is_said_whatever_else_happened(suite, packs, tmp_cache, tmp_path, monkeypatch, broken):
    root, (one, _) = suite
    (root / one / "target.jpg").unlink()

    def fail(*_, **__):
        raise RunError("something else")

    monkeypatch.setattr(f"idbench.run.{broken}", fail)
    said = []
    config = flags(root, packs, tmp_path / "run", tmp_cache, images={"m": str(tmp_path / "m")}, oracles=False)
    with pytest.raises(RunError, match="something else"):
        execute(load_config(None, config), warn=said.append)
    assert [line for line in said if "photos of the suite cannot be read" in line]
    assert [line for line in said if "copy-paste is undefined for 1 of 3" in line] or broken == "score_cases"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "running"


def test_every_reference_in_the_gallery_has_its_box(suite, packs, tmp_cache, tmp_path):
    """Where the first reference shows nobody, the box of another is not drawn over it."""
    root, (_, two) = suite
    row = next(row for row in map(json.loads, (root / "cases.jsonl").read_text().splitlines()) if row["id"] == two)
    grey = root / row["people"][0]["references"][0]
    images = {"m": str(tmp_path / "m")}
    config = flags(root, packs, tmp_path / "run", tmp_cache, images=images, gallery=2)
    for boxes in (1, 0):
        found = gallery.build(load(execute(load_config(None, config), warn=lambda line: None)))
        shots = {(case.id, shot.label): shot for case in found.cases for shot in case.shots}
        assert [len(shots[two, f"reference {i}"].boxes) for i in (1, 2)] == [boxes, 1]
        Image.new("RGB", (400, 400), "grey").save(grey)
        shutil.rmtree(tmp_path / "run")


def test_files_of_other_subsets_are_not_called_surplus_of_the_suite(suite, packs, tmp_cache, tmp_path):
    root, (one, _) = suite
    rewrite_subsets(root)
    said = []
    images = {"m": str(tmp_path / "m")}
    config = flags(root, packs, tmp_path / "run", tmp_cache, images=images, oracles=False, subsets=["b"])
    execute(load_config(None, config), warn=said.append)
    assert f"m: 1 file matches no case of subset b and was not scored, first {one}.jpg" in said


def rewrite_subsets(root):
    manifest = root / "cases.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps(row | {"subset": s}) + "\n" for row, s in zip(rows, "ab", strict=True)))
