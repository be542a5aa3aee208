"""Images that are not there, and files that belong to no case."""

from __future__ import annotations

import json

import pytest
from support.comparing import outcomes
from support.runs import run_here
from support.suites import real_cases, write_suite

from idbench.errors import ConfigError
from idbench.tables import read_tables


def test_missing_and_surplus_files_are_counted(real_suite, packs, tmp_cache, tmp_path):
    cases = real_cases(real_suite, (1, 1, 2))
    suite = write_suite(tmp_path / "suite", cases)
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / f"{cases[0].id}.jpg").write_bytes(cases[0].target.read())
    (folder / "nobody's.jpg").write_bytes(cases[0].target.read())
    (folder / "notes.txt").write_text("no image, no surplus")
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    assert outcomes(run, "m") == {c.id: "scored" if c is cases[0] else "missing_image" for c in cases}
    surplus = json.loads((run / "run.json").read_text())["counts"]["surplus_files"]["m"]
    assert surplus == {"count": 1, "first": ["nobody's.jpg"]}
    assert len(read_tables(run)[0]) == sum(len(case.people) for case in cases)


def test_seeds_a_case_lacks_are_missing_images(real_suite, packs, tmp_cache, tmp_path):
    cases = real_cases(real_suite, (1, 1))
    suite = write_suite(tmp_path / "suite", cases)
    folder = tmp_path / "images"
    folder.mkdir()
    for seed in (1, 2, 3):
        (folder / f"{cases[0].id}--{seed}.png").write_bytes(cases[0].target.read())
    (folder / f"{cases[1].id}--2.png").write_bytes(cases[1].target.read())
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    scores = read_tables(run)[0]
    found = {(row.case, row.seed): row.outcome for row in scores.itertuples()}
    a, b = (case.id for case in cases)
    assert found == {
        **{(a, seed): "scored" for seed in (1, 2, 3)},
        (b, 1): "missing_image",
        (b, 2): "scored",
        (b, 3): "missing_image",
    }


def test_a_folder_without_any_image_is_an_error_and_no_row_of_zeros(real_suite, packs, tmp_cache, tmp_path):
    suite = write_suite(tmp_path / "suite", real_cases(real_suite, (1,)))
    (tmp_path / "images").mkdir()
    with pytest.raises(ConfigError, match=r"images of 'm': .* holds no images"):
        run_here(suite, packs, tmp_path / "run", tmp_cache, images={"m": str(tmp_path / "images")}, oracles=False)
