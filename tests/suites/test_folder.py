"""Folder suites of unusual make, scored with real networks: no target, several references, boxes for some."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from support.runs import run_here
from support.suites import write_manifest


def scored(run, model):
    rows = pd.read_parquet(run / "scores.parquet").query("model == @model and protocol == 'strict'")
    return rows.sort_values(["case", "person"]).set_index(["case", "person"])


def test_cases_without_a_target_change_no_denominator(photos, packs, tmp_cache, tmp_path):
    folder, (a, b, _) = photos
    rows = [
        {"id": "full", "prompt": "p", "target": f"{a.id}_target.jpg", "people": [{"references": [f"{a.id}_ref0.jpg"]}]},
        {"id": "bare", "prompt": "p", "people": [{"references": [f"{b.id}_ref0.jpg"]}]},
    ]
    write_manifest(folder, rows)
    for name, cases in (("whole", ("full", "bare")), ("lacking", ("full",))):
        (tmp_path / name).mkdir()
        for case in cases:
            (tmp_path / name / f"{case}.jpg").write_bytes(a.target.read())
    images = {name: str(tmp_path / name) for name in ("whole", "lacking")}
    run = run_here(folder, packs, tmp_path / "run", tmp_cache, images=images, protocol="both")
    models = json.loads((run / "summary.json").read_text())["recognizers"]["mini-a"]["strict"]["models"]
    for model in ("whole", "lacking", "oracle-target", "oracle-reference", "oracle-paste"):
        assert models[model]["sim_gt_failure_aware"]["n"] == 1, model
        assert models[model]["copy_paste_failure_aware"]["n"] == 1, model
    assert models["oracle-target"]["sim_gt_failure_aware"]["mean"] == pytest.approx(1)
    assert models["whole"]["sim_ref_failure_aware"]["n"] == models["lacking"]["sim_ref_failure_aware"]["n"] == 2
    assert scored(run, "whole").loc[("bare", 0), "sim_ref"] < 0.5
    assert np.isnan(scored(run, "whole").loc[("bare", 0), "copy_paste"])


def test_copying_any_of_several_references_is_copying(photos, packs, tmp_cache, tmp_path):
    """The second reference is given back; with only the first one in the suite the same image looks harmless."""
    folder, _ = photos
    single = real_cases_of_one_person(folder, photos)
    (tmp_path / "copier").mkdir()
    (tmp_path / "copier" / "c.jpg").write_bytes((folder / single["second"]).read_bytes())
    found = {}
    for name, given in (("both", [single["first"], single["second"]]), ("one", [single["first"]])):
        write_manifest(
            folder, [{"id": "c", "prompt": "p", "target": single["target"], "people": [{"references": given}]}]
        )
        run = run_here(folder, packs, tmp_path / name, tmp_cache, images={"copier": str(tmp_path / "copier")})
        found[name] = scored(run, "copier").loc[("c", 0)]
    assert found["both"]["copy_paste"] == pytest.approx(1)
    assert found["both"]["sim_ref"] == pytest.approx(1)
    assert found["both"]["pixel_copy"] == pytest.approx(1)
    assert found["one"]["copy_paste"] < 0.9


def real_cases_of_one_person(folder, photos):
    """Three photos to stand for one person: any three different ones do, since nothing here asks who it is."""
    _, (a, b, _) = photos
    return {"target": f"{a.id}_target.jpg", "first": f"{a.id}_ref0.jpg", "second": f"{b.id}_ref0.jpg"}


def test_a_box_for_one_person_is_used_though_the_other_has_none(photos, packs, tmp_cache, tmp_path):
    folder, (_, _, pair) = photos
    people = [{"references": [f"{pair.id}_ref{i}.jpg"]} for i in range(2)]
    results = {}
    for name, boxes in (
        ("both", [p.box for p in pair.people]),
        ("first", [pair.people[0].box, None]),
        ("bad", [pair.people[0].box, [5, 5, 1, 1]]),
    ):
        given = [person | ({"box": box} if box else {}) for person, box in zip(people, boxes, strict=True)]
        write_manifest(folder, [{"id": "c", "prompt": "p", "target": f"{pair.id}_target.jpg", "people": given}])
        results[name] = scored(run_here(folder, packs, tmp_path / name, tmp_cache), "oracle-target")
    for name in ("first", "bad"):
        assert np.allclose(results[name]["sim_gt"], 1)
        assert np.allclose(results[name]["sim_tr"], results["both"]["sim_tr"])
        assert results[name].loc[("c", 0), "slot_accuracy"] == 1
