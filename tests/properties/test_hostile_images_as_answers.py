"""Bad and odd images of a model: each has a recorded outcome, and the rest of the run is finished."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.comparing import ledger, outcomes
from support.odd_images import ALIKE, ANY_OUTCOME, CROWD, NO_FACE, SAME_PICTURE, UNREADABLE, case_of
from support.runs import run_here
from support.suites import write_manifest

from idbench.records import ORACLES
from idbench.tables import read_tables


@pytest.fixture(scope="module")
def scored(files, case, packs, tmp_cache, tmp_path_factory) -> Path:
    """One case per odd image, and one whose image is sound."""
    root = tmp_path_factory.mktemp("odd")
    (root / "suite").mkdir()
    (root / "suite" / "target.jpg").write_bytes(case.target.read())
    (root / "suite" / "reference.jpg").write_bytes(case.people[0].references[0].read())
    (root / "images").mkdir()
    for name, data in files.items():
        (root / "images" / f"{case_of(name)}{Path(name).suffix}").write_bytes(data)
    os.mkfifo(root / "images" / "pipe-jpg.jpg")
    (root / "images" / "folder-jpg.jpg").mkdir()
    rows = [
        {"id": case_of(name), "prompt": "p", "target": "target.jpg", "people": [{"references": ["reference.jpg"]}]}
        for name in [*files, "pipe.jpg", "folder.jpg"]
    ]
    suite = write_manifest(root / "suite", rows)
    return run_here(suite, packs, root / "run", tmp_cache, images={"odd": str(root / "images")}, protocol="both")


def test_every_odd_image_has_a_recorded_outcome(scored: Path, files):
    found = outcomes(scored, "odd")
    assert len(found) == len(files) + 2
    assert {file for file in {*files, "pipe.jpg"} if found[case_of(file)] == "unreadable_image"} == UNREADABLE
    assert {file for file in files if found[case_of(file)] == "no_face"} - ANY_OUTCOME == NO_FACE
    assert found["folder-jpg"] == "missing_image"
    assert all(found[case_of(file)] == "scored" for file in SAME_PICTURE | ALIKE | {CROWD})


def test_no_row_is_dropped_for_an_odd_image(scored: Path, files):
    scores, images, _ = read_tables(scored)
    assert len(images) == (1 + len(ORACLES)) * (len(files) + 2)
    assert (scores.groupby("protocol").size() == len(images)).all()
    recorded = {(line["model"], line["case"]) for line in ledger(scored)}
    assert len(recorded) == len(ledger(scored)) == len(images)


def test_unreadable_images_say_why(scored: Path):
    reasons = {line["case"]: line.get("error") for line in ledger(scored) if line["model"] == "odd"}
    for file in UNREADABLE:
        assert reasons[case_of(file)] and "\n" not in reasons[case_of(file)]
    assert "pixels" in reasons["bomb-png"]
    assert "empty" in reasons["empty-jpg"]


def test_formats_of_the_same_pixels_give_the_same_numbers(scored: Path):
    """RGBA, EXIF-turned, first frame of an animation, PNG under another name: the very same picture."""
    scores = read_tables(scored)[0].query("model == 'odd' and protocol == 'strict'").set_index("case")
    columns = ["sim_gt", "sim_ref", "copy_paste", "x1", "y1", "x2", "y2", "pixel_copy"]
    for file in SAME_PICTURE:
        assert (scores.loc[case_of(file), columns] == scores.loc["plain-png", columns]).all(), file


def test_other_depths_and_colour_models_show_the_same_person(scored: Path):
    scores = read_tables(scored)[0].query("model == 'odd' and protocol == 'strict'").set_index("case")
    for file in ALIKE:
        assert scores.loc[case_of(file), "sim_gt"] > 0.6, file


def test_a_crowd_counts_its_extra_faces(scored: Path):
    row = read_tables(scored)[1].query("model == 'odd'").set_index("case").loc[case_of(CROWD)]
    assert row["faces_found"] >= 25
    assert row["extra_faces"] == row["faces_found"] - 1
