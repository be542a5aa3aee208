"""Bad and odd images as targets and references: recorded, and the rest is scored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.comparing import ledger, outcomes
from support.images import encoded
from support.odd_images import ALIKE, ANY_OUTCOME, SAME_PICTURE, UNREADABLE
from support.runs import run_here
from support.suites import write_manifest

from idbench.records import ORACLES
from idbench.tables import read_tables


@pytest.fixture(scope="module")
def odd_suite(files, case, packs, tmp_cache, tmp_path_factory) -> tuple[Path, Path]:
    """Every odd image once as a target, once as a reference, and once as one of two references."""
    root = tmp_path_factory.mktemp("odd-suite")
    (root / "suite").mkdir()
    (root / "suite" / "target.jpg").write_bytes(case.target.read())
    (root / "suite" / "reference.jpg").write_bytes(case.people[0].references[0].read())
    os.mkfifo(root / "suite" / "pipe.jpg")
    sound = {"references": ["reference.jpg"]}
    rows = []
    for name in [*files, "pipe.jpg", "absent.jpg"]:
        if name in files:
            (root / "suite" / name).write_bytes(files[name])
        odd = {"references": [name]}
        rows += [
            {"id": f"target-{name}", "prompt": "p", "target": name, "people": [sound]},
            {"id": f"reference-{name}", "prompt": "p", "target": "target.jpg", "people": [odd]},
            {"id": f"two-{name}", "prompt": "p", "target": "target.jpg", "people": [sound, odd]},
        ]
    (root / "images").mkdir()
    for row in rows:
        (root / "images" / f"{row['id']}.jpg").write_bytes(case.target.read())
    suite = write_manifest(root / "suite", rows)
    return suite, run_here(suite, packs, root / "run", tmp_cache, images={"m": str(root / "images")}, protocol="both")


@pytest.mark.slow
def test_odd_photos_of_a_suite_are_recorded_and_the_rest_is_scored(odd_suite, files):
    _, run = odd_suite
    counts = json.loads((run / "run.json").read_text())["counts"]
    unreadable = {name.split("/")[-1] for name in counts["suite_photos_unreadable"] if "/target" not in name}
    assert UNREADABLE | {"absent.jpg"} <= unreadable
    found = outcomes(run, "m")
    for name in [*files, "pipe.jpg", "absent.jpg"]:
        usable = name in SAME_PICTURE | ALIKE  # of a crowd of equal faces none is clearly the person
        if name not in ANY_OUTCOME:
            assert found[f"target-{name}"] == ("scored" if usable else "undefined"), name
    scores, images, _ = read_tables(run)
    assert len(images) == (1 + len(ORACLES)) * 3 * (len(files) + 2)
    assert len(scores.query("protocol == 'strict'")) == (1 + len(ORACLES)) * 4 * (len(files) + 2)
    assert set(images["outcome"]) <= {"generated", "generation_failed", "missing_image", "unreadable_image"}


@pytest.mark.slow
def test_an_unreadable_target_is_nobodys_failure(odd_suite):
    _, run = odd_suite
    scores = read_tables(run)[0].query("protocol == 'strict' and model == 'm'").set_index("case")
    assert scores.loc["target-truncated.jpg", "outcome"] == "undefined"
    assert np.isnan(scores.loc["target-truncated.jpg", "sim_gt"])


def test_oracles_of_photos_too_wide_for_a_jpeg_fail_with_a_reason(case, packs, tmp_cache, tmp_path):
    root = tmp_path / "suite"
    root.mkdir()
    (root / "target.jpg").write_bytes(case.target.read())
    (root / "strip.png").write_bytes(encoded(Image.new("RGB", (20_000, 40)), "PNG"))
    people = [{"references": ["target.jpg"]}, {"references": ["strip.png"]}]
    write_manifest(root, [{"id": "a", "prompt": "p", "target": "target.jpg", "people": people}])
    run = run_here(root, packs, tmp_path / "run", tmp_cache)
    line = next(line for line in ledger(run) if line["model"] == "oracle-reference")
    assert line["outcome"] == "generation_failed" and "wide" in line["error"]
