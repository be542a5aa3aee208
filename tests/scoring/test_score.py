"""The main job on real photographs with real face recognition."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import idbench
from idbench.records import ORACLES
from idbench.suites import open_suite

SETS = ("copy-paste", "natural", "wrong-person", "swapped")


@pytest.fixture(scope="module")
def run(real_suite, packs, tmp_cache, tmp_path_factory):
    return idbench.score(
        images={name: real_suite / "outputs" / name for name in SETS},
        suite=real_suite,
        recognizers=[f"insightface:{packs / 'mini-a'}", f"insightface:{packs / 'mini-b'}"],
        out=tmp_path_factory.mktemp("real") / "run",
        cache=str(tmp_cache), protocol="both", resamples=1000,
    )  # fmt: skip


@pytest.fixture(scope="module")
def strict(run):
    return run.summary.recognizers["mini-a"].strict.models


def test_oracles_stand_where_they_must(strict):
    assert strict["oracle-target"]["copy_paste"].mean == pytest.approx(-1, abs=1e-6)
    assert strict["oracle-target"]["sim_gt"].mean == pytest.approx(1, abs=1e-6)
    assert strict["oracle-reference"]["copy_paste"].mean > 0.85
    assert strict["oracle-paste"]["copy_paste"].mean > 0.35
    assert strict["oracle-paste"]["sim_ref"].mean > 0.8
    assert strict["oracle-stranger"]["sim_gt"].mean < 0.1


def test_single_reference_given_back_is_copying_exactly(run):
    rows = run.scores().query("model == 'oracle-reference' and protocol == 'strict'")
    alone = rows.groupby("case")["person"].transform("max") == 0
    assert np.allclose(rows[alone]["copy_paste"], 1)
    assert np.allclose(rows[alone]["pixel_copy"], 1)


def test_copying_is_told_from_another_real_photo(strict):
    assert strict["copy-paste"]["copy_paste"].mean > 0.45
    assert abs(strict["natural"]["copy_paste"].mean) < 0.08
    assert strict["copy-paste"]["over_similar"].mean > strict["natural"]["over_similar"].mean + 0.5
    assert strict["copy-paste"]["pixel_copy"].mean > strict["natural"]["pixel_copy"].mean
    assert strict["copy-paste"]["pixel_copy"].mean > strict["copy-paste"]["pixel_copy_tr"].mean


def test_strangers_are_not_verified(strict):
    assert strict["wrong-person"]["sim_gt"].mean < 0.1
    assert strict["wrong-person"]["verified"].mean < 0.2
    assert strict["natural"]["verified"].mean > strict["wrong-person"]["verified"].mean + 0.5


def test_swapped_people_show_in_slots_though_not_in_similarity(strict):
    assert strict["swapped"]["slot_accuracy"].mean == 0
    assert strict["copy-paste"]["slot_accuracy"].mean == 1
    assert strict["swapped"]["sim_gt"].mean > 0.5


def test_a_missing_image_lowers_the_failure_aware_form_alone(run, strict):
    rows = run.scores().query("model == 'swapped' and recognizer == 'mini-a' and protocol == 'strict'")
    missing = (rows["outcome"] == "missing_image").sum()
    assert missing > 0
    everyone = strict["swapped"]["sim_gt_failure_aware"]
    assert everyone.n == len(rows)
    assert everyone.mean == pytest.approx(rows["sim_gt"].sum() / len(rows))
    assert strict["swapped"]["found"].mean == pytest.approx(1 - missing / len(rows))


def test_no_row_is_dropped_and_the_promised_columns_are_there(run, real_suite):
    scores = run.scores()
    columns = [
        "model",
        "case",
        "seed",
        "person",
        "recognizer",
        "protocol",
        "outcome",
        "sim_gt",
        "sim_ref",
        "sim_tr",
        "copy_paste",
    ]
    assert not set(columns) - set(scores.columns)
    cases = list(open_suite(str(real_suite)).cases())
    people = sum(len(case.people) for case in cases)
    counts = scores[scores["protocol"] == "strict"].groupby(["model", "recognizer"]).size()
    assert (counts == people).all()
    assert len(counts) == 2 * (len(SETS) + len(ORACLES))
    paper = scores[scores["protocol"] == "paper"].groupby(["model", "recognizer"]).size()
    assert (paper == len(cases)).all()


def test_means_in_the_summary_are_the_means_of_the_rows(run):
    scores = run.scores()
    for recognizer, protocols in run.summary.recognizers.items():
        for model, metrics in protocols.strict.models.items():
            same = (scores["recognizer"] == recognizer) & (scores["model"] == model) & (scores["protocol"] == "strict")
            rows = scores[same]
            for name in ("sim_gt", "sim_ref", "copy_paste", "pixel_copy", "pose_gr"):
                if name in metrics:
                    assert metrics[name].mean == pytest.approx(rows[name].mean())
                    assert metrics[name].n == rows[name].count()
                    if metrics[name].clusters > 1:
                        assert metrics[name].low <= metrics[name].mean <= metrics[name].high
                    else:
                        assert metrics[name].low is metrics[name].high is None


def test_scores_follow_from_the_stored_faces(run):
    """Independent re-computation of one-person rows from faces/*.parquet."""
    faces = (
        pd.read_parquet(run.path / "faces" / "mini-a.parquet").query("view == 'as_is'").set_index(["digest", "face"])
    )
    images = run.images().set_index(["model", "case", "seed"])
    suite = pd.read_parquet(run.path / "suite.parquet").query("recognizer == 'mini-a'")
    rows = run.scores().query("recognizer == 'mini-a' and protocol == 'strict' and outcome == 'scored'")
    checked = 0
    for photo in suite[~suite["case"].duplicated(keep=False)].itertuples():
        if len(faces.loc[[photo.target]]) > 1 or len(faces.loc[[photo.reference]]) > 1:
            continue
        t, r = (faces.loc[(digest, 0), "embedding"] for digest in (photo.target, photo.reference))
        for row in rows[rows["case"] == photo.case].itertuples():
            g = faces.loc[(images.loc[(row.model, row.case, row.seed), "digest"], row.face), "embedding"]
            unit = [v / np.linalg.norm(v) for v in (g.astype(float), t.astype(float), r.astype(float))]
            theta = [np.arccos(np.clip(unit[a] @ unit[b], -1, 1)) for a, b in ((0, 1), (0, 2), (1, 2))]
            assert row.sim_gt == pytest.approx(np.cos(theta[0]), abs=1e-6)
            assert row.copy_paste == pytest.approx((theta[0] - theta[1]) / theta[2], abs=1e-3)
            checked += 1
    assert checked > 0


def test_recognizers_are_measured_on_the_suites_own_photos(run):
    for recognizer in ("mini-a", "mini-b"):
        result = run.summary.recognizers[recognizer].strict
        assert result.verification.auc > 0.98
        assert result.verification.attained <= 0.01
        assert 0.4 < result.natural_band.low < result.natural_band.median < result.natural_band.high


def test_ranks_order_models_by_failure_aware_similarity(run):
    group = run.summary.recognizers["mini-a"].strict.groups["all"]
    ranks = group.ranks["sim_gt_failure_aware"]
    assert ranks["copy-paste"] < ranks["wrong-person"]
    assert not set(ranks) & set(ORACLES)
    assert "wrong-person" not in group.ranks["copy_paste_failure_aware"]


def test_run_record_traces_every_number(run):
    record = json.loads((run.path / "run.json").read_text())
    assert record["state"] == "finished"
    for recognizer in record["recognizers"].values():
        assert all(len(digest) == 64 for digest in recognizer["weights"].values())
        assert recognizer["providers"]
    assert len(record["suite"]["fingerprint"]) == 64
    assert record["provenance"]["packages"]["numpy"] == np.__version__
    digests = set(run.images()["digest"].dropna())
    ledger = [json.loads(line) for line in (run.path / "generations.jsonl").read_text().splitlines()]
    assert {entry["digest"] for entry in ledger if "digest" in entry} == digests


def test_three_lines_of_a_notebook(run):
    table = run.table("mini-a")
    assert table.loc["natural", "sim_gt"] == pytest.approx(
        run.summary.recognizers["mini-a"].strict.models["natural"]["sim_gt"].mean
    )
    assert idbench.load_run(run.path).scores().equals(run.scores())
    assert run.report.stat().st_size > 1000
