"""The paper protocol against values the published code produced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idbench.protocols import paper

pytestmark = pytest.mark.golden
COLLECTORS = {
    "sim_ref": "sim_ref_list", "rest_ref": "unmatched_ref_list", "sim_gt": "sim_ori_list",
    "rest_gt": "unmatched_list", "copy_paste": "copy_geo_list",
}  # fmt: skip
SUMMARY = {
    "sim_ref": "sim_ref", "rest_ref": "non_matched_ref", "sim_gt": "sim_ori", "rest_gt": "non_matched_ori",
    "copy_paste": "copy_geo",
}  # fmt: skip


@pytest.fixture(scope="module")
def values(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "metric_golden.json").read_text())


def faces(rows: Any) -> np.ndarray:
    return np.array(rows, np.float32) if rows else np.empty((0, 1), np.float32)


def test_single_faces_in_both_precisions(values):
    for case in values["copy_geo"]:
        single = [np.array(case[k], np.float32) for k in ("gen", "target", "ref")]
        double = [vector.astype(np.float64) for vector in single]
        assert paper.copy_geo(*double) == pytest.approx(case["expected_float64"], abs=1e-8), case["name"]
        # Next to 0 and pi, arccos of a float32 dot product hangs on the order of summation.
        edge = 2e-3 if abs(case["expected_float32"]) > 0.99 or "duplicate" in case["name"] else 1e-5
        assert paper.copy_geo(*single) == pytest.approx(case["expected_float32"], abs=edge), case["name"]


def test_several_people_and_counts_that_differ(values):
    for case in values["multi_person"]:
        references = [faces([row]) for row in case["ref"] or []]
        scores = paper.score_sample(paper.Sample(faces(case["gen"]), faces(case["target"]), references))
        if case["expected"] is None:
            assert scores.copy_paste is None, case["name"]
        else:
            assert scores.copy_paste == pytest.approx(case["expected"], abs=1e-5), case["name"]
        for key, found, rest in (
            ("sim_gt", scores.sim_gt, scores.rest_gt),
            ("sim_ref", scores.sim_ref, scores.rest_ref),
        ):
            if expected := case.get(key):
                assert found == pytest.approx(expected["matched"], abs=1e-5), case["name"]
                wanted = expected["non_matched_mean"]
                assert rest == (None if wanted is None else pytest.approx(wanted, abs=1e-5)), case["name"]


def test_statistics_with_every_way_of_leaving_out_outliers(values):
    for case in values["statistics"]:
        method = case.get("method", "iqr")
        robust = method.startswith("_")
        found = paper.statistics(case["values"], case.get("remove_outliers", True), "iqr" if robust else method, robust)
        if case["expected"] is None:
            assert found is None
        else:
            assert found == pytest.approx(case["expected"], abs=1e-9), case["name"]
        if "plain_mean" in case:
            assert np.mean(case["values"]) == pytest.approx(case["plain_mean"])


def sample(case: dict[str, Any]) -> dict[str, paper.Sample] | None:
    if not (case["meta"] and case["has_out"] and case["has_ori"]):
        return None
    return {
        name: paper.Sample(
            faces(case["gen"][name]), faces(case["target"][name]), [faces(r[name]) for r in case["refs"]]
        )
        for name in case["gen"]
    }


def test_a_whole_folder(values):
    expected = values["end_to_end"]
    collected, reported, failed = paper.collect([sample(case) for case in expected["samples"]])
    assert [expected["samples"][i]["name"] for i in reported] == expected["reported_samples"]
    assert (failed, len(reported), len(expected["samples"])) == (
        expected["bad"],
        expected["ok"],
        expected["total"],
    )
    for name, lists in expected["collectors"].items():
        for ours, theirs in COLLECTORS.items():
            assert collected[name][ours] == pytest.approx(lists[theirs], abs=1e-5), (name, ours)
    summary = paper.summarise_collectors(collected)
    for name, metrics in expected["summary"].items():
        if name == "general":
            continue
        for ours, theirs in SUMMARY.items():
            assert summary[name][ours] == pytest.approx(metrics[theirs], abs=1e-5), (name, ours)
    general = expected["summary"]["general"]
    assert (general["total_samples"], general["failed_samples"]) == (len(expected["samples"]), failed)
    assert general["fid"] == len(reported)
    for name, constant in (("clip_i", 0.5), ("clip_t", 0.25), ("aesthetic", 5.0)):
        assert paper.statistics([constant] * len(reported)) == pytest.approx(general[name])


def test_a_sample_that_breaks_half_way_leaves_what_it_appended(values):
    state = values["collector_partial_append"]["state"]
    broken = paper.SampleScores(None, np.array([0.5]), None, None, None)
    lists = {name: [] for name in COLLECTORS}
    with pytest.raises(TypeError):
        paper._append(lists, broken, several_references=True)
    assert lists == {ours: state[theirs] for ours, theirs in COLLECTORS.items()}


def test_published_script_on_real_photos(golden, real_suite, packs, tmp_cache, tmp_path):
    """Per sample and mean to 5e-3; mini-b stands in for FaceNet and AdaFace, as in the golden values."""
    from idbench import score

    expected = json.loads((golden / "published_script_real_mini.json").read_text())
    models = sorted({key.split("/")[0] for key in expected})
    run = score(
        images={model: real_suite / "outputs" / model for model in models},
        suite=real_suite,
        recognizers=[f"{n}=insightface:{packs / p}" for n, p in (("arcface", "mini-a"), ("facenet", "mini-b"), ("adaface", "mini-b"))],
        out=tmp_path / "run", cache=str(tmp_cache), protocol="paper", oracles=False, resamples=100, gallery=0,
    )  # fmt: skip
    names = {theirs: ours.replace("rest_gt", "blending") for ours, theirs in SUMMARY.items()}
    rows = run.scores().set_index(["model", "case", "recognizer"])
    for key, published in expected.items():
        model, subset = key.split("/")
        for one in published["samples"]:
            for field, value in one.items():
                if field != "id":
                    recognizer, metric = field.split("_", 1)
                    found = rows.loc[(model, one["id"], recognizer), names[metric]]
                    assert found == pytest.approx(value, abs=5e-3), (key, one["id"], field)
        for recognizer, metrics in published["summary"].items():
            ours = (
                run.summary.pooled_paper[subset].models
                if recognizer == "average"
                else run.summary.recognizers[recognizer].paper.groups[subset].models
            )
            for metric, entry in metrics.items():
                assert ours[model][names[metric]].mean == pytest.approx(entry["mean"], abs=5e-3), (
                    key,
                    metric,
                )
