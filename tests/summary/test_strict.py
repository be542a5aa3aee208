"""What the summary makes of rows: failures, seeds, floors, withheld images. Tables are written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from idbench.records import Outcome
from idbench.stats import Verification
from idbench.summary import Settings, summarise

SETTINGS = Settings(resamples=300)
JUDGED = Verification(1, 1, 0, 0, 0.3, 0.01, 0.01, 0.01, 1, 9, 9, 0, 9, 9)


def table(models: dict[str, list[dict]], targets: list[bool] | None = None, judged: bool = True):
    """Summary of one-person cases: per model a list of {sim_gt, copy_paste, ...} or {"outcome": ...}, by case."""
    n = max(len(rows) for rows in models.values())
    targets = targets or [True] * n
    scores, images = [], []
    for model, rows in models.items():
        for i, values in enumerate(rows):
            seed = values.pop("seed", 0) if isinstance(values, dict) else 0
            where = {"model": model, "case": f"c{i:03}", "subset": "p1", "cluster": f"k{i:03}", "seed": seed}
            outcome = values.get("outcome", Outcome.SCORED.value)
            numbers = {"sim_gt": np.nan, "sim_ref": np.nan, "sim_tr": np.nan, "copy_paste": np.nan, "blending": np.nan}
            numbers |= {"slot_accuracy": np.nan, "face": np.nan if "outcome" in values else 0} | values
            scores.append(
                where
                | {"identity": f"i{i}", "recognizer": "j", "protocol": "strict", "person": 0}
                | numbers
                | {"outcome": outcome}
            )
            failed = outcome in ("missing_image", "generation_failed", "unreadable_image")
            image = dict.fromkeys(
                ("faces_found", "extra_faces", "missing_people", "clip_i", "clip_t", "aesthetic", "seconds"), np.nan
            )
            image |= {"prompt_cut": np.nan, "outcome": outcome if failed else "generated"}
            images.append(where | image | ({} if failed else {"clip_t": values.get("clip_t", np.nan)}))
    suite = [
        {"case": f"c{i:03}", "person": 0, "subset": "p1", "cluster": f"k{i:03}", "recognizer": "j",
         "sim_tr": 0.7 + 0.001 * i if targets[i] else np.nan, "target_x1": 1.0 if targets[i] else np.nan, "reference_x1": 1.0}
        for i in range(n)
    ]  # fmt: skip
    frames = [pd.DataFrame(rows) for rows in (scores, images, suite)]
    for name in (
        "pixel_copy",
        "pixel_copy_tr",
        "pose_gr",
        "pose_tr",
        "yaw",
        "pitch",
        "roll",
        "seed_distance",
        "seed_pose",
    ):
        frames[0][name] = np.nan
    summary = summarise(*frames, {"j": JUDGED} if judged else {}, SETTINGS)
    return summary.recognizers["j"].strict.groups["all"], summary


def good(sim=0.6, cp=0.0, **more):
    return {"sim_gt": sim, "sim_ref": sim, "sim_tr": 0.7, "copy_paste": cp, **more}


MISSING = {"outcome": "missing_image"}
SUITE_LACKS = {"outcome": "undefined"}


def test_where_the_suite_has_no_target_neither_success_nor_failure_counts():
    targets = [True, True, False]
    group, _ = table(
        {
            "whole": [good(), good(), {"outcome": "undefined", "sim_ref": 0.6, "face": 0}],
            "fails": [good(), good(), dict(MISSING)],
        },
        targets,
    )
    for model in ("whole", "fails"):
        entry = group.models[model]["sim_gt_failure_aware"]
        assert (entry.mean, entry.n) == (pytest.approx(0.6), 2)
        assert group.models[model]["copy_paste_failure_aware"].n == 2
    assert group.models["fails"]["sim_ref_failure_aware"].mean == pytest.approx(0.4)


def test_without_a_calibrated_judge_nothing_is_verified_not_even_a_failure():
    group, _ = table({"a": [good(), dict(MISSING)]}, judged=False)
    assert "verified_failure_aware" not in group.models["a"]


def test_withholding_images_never_improves_a_rank():
    """A copies in half of the cases; withholding those must not put it before B."""
    rng = np.random.default_rng(0)
    honest = [good(0.85, 0.9 if i % 2 else -0.1 + 0.01 * rng.normal()) for i in range(60)]
    other = [good(0.85, 0.2 + 0.01 * rng.normal()) for _ in range(60)]
    withheld = [dict(MISSING) if i % 2 else dict(row) for i, row in enumerate(honest)]
    before, _ = table({"A": [dict(r) for r in honest], "B": [dict(r) for r in other]})
    after, _ = table({"A": withheld, "B": [dict(r) for r in other]})
    for name in ("copy_paste_failure_aware", "sim_gt_failure_aware"):
        assert after.ranks[name]["A"] >= before.ranks[name]["A"]
    assert after.models["A"]["copy_paste"].mean < before.models["A"]["copy_paste"].mean
    assert after.models["A"]["copy_paste_failure_aware"].mean > before.models["A"]["copy_paste_failure_aware"].mean


def test_more_failures_lower_the_failure_aware_form_and_leave_the_conditional_one():
    means = []
    for failures in (0, 3, 6):
        rows = [dict(MISSING) if i < failures else good() for i in range(10)]
        models = table({"a": rows})[0].models["a"]
        means.append(models["sim_gt_failure_aware"].mean)
        assert models["sim_gt"].mean == pytest.approx(0.6)
        assert models["found"].mean == pytest.approx(1 - failures / 10)
    assert means == pytest.approx([0.6, 0.42, 0.24])


def test_models_with_other_seeds_are_still_compared():
    rng = np.random.default_rng(1)
    rows = {
        m: [good(s + 0.05 * rng.normal(), seed=seed) for _ in range(30)]
        for m, s, seed in (("a", 0.8, 0), ("b", 0.4, 42))
    }
    group, _ = table(rows)
    pair = group.comparisons["sim_gt_failure_aware"][0]
    assert group.paired_on == "case and person"
    assert pair.n == 30
    assert group.ranks["sim_gt_failure_aware"] == {"a": 1, "b": 2}


def test_models_that_draw_strangers_are_neither_ranked_for_copying_nor_on_the_front():
    group, _ = table({"stranger": [good(0.05, -0.3) for _ in range(12)], "kept": [good(0.6, 0.1) for _ in range(12)]})
    assert "stranger" not in group.ranks["copy_paste_failure_aware"]
    assert group.tradeoff.pareto == ["kept"]


def test_a_number_from_one_cluster_has_no_interval_anywhere():
    rows = [good(0.6, np.nan) for _ in range(8)]
    rows[0]["copy_paste"] = 0.3
    group, _ = table(
        {
            "a": rows,
            **{m: [good(s, c) for _ in range(8)] for m, s, c in (("b", 0.5, 0.1), ("c", 0.6, 0.2), ("d", 0.7, 0.4))},
        }
    )
    assert group.models["a"]["copy_paste"].low is None
    assert group.tradeoff.line_distance["a"].low is None
    assert "a" not in group.tradeoff.ellipses


def test_intervals_do_not_depend_on_which_other_models_are_there():
    rng = np.random.default_rng(2)
    z = [good(0.6 + 0.1 * rng.normal(), clip_t=rng.normal()) for _ in range(12)]
    alone, images_alone = table({"z": [dict(r) for r in z]})
    beside, images_beside = table({"y": [good(clip_t=0.1) for _ in range(12)], "z": [dict(r) for r in z]})
    assert alone.models["z"] == beside.models["z"]
    assert images_alone.images["all"].models["z"] == images_beside.images["all"].models["z"]


def test_a_missing_image_lowers_failure_aware_clip():
    _, summary = table({"a": [good(clip_t=0.3), dict(MISSING)], "b": [good(clip_t=0.3), good(clip_t=0.3)]})
    models = summary.images["all"].models
    assert models["a"].metrics["clip_t_failure_aware"].mean == pytest.approx(0.15)
    assert models["a"].metrics["clip_t"].mean == pytest.approx(0.3)
