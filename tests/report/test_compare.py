"""Runs laid side by side: same suite, same recognizers, paired across runs; anything else is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.reports import HOSTILE, MODELS, ORACLES, Page, build_run, change, summary_of

from idbench.config import RunConfig
from idbench.errors import ConfigError, RunError
from idbench.report import write_comparison, write_report


def two_runs(folder: Path, **second) -> list[Path]:
    first = build_run(folder / "one", models=("good", "paste"))
    return [first, build_run(folder / "two", **({"models": ("good", "weak"), "seed": 1} | second))]


def headline(out: Path, recognizer: str = "judge-a") -> pd.DataFrame:
    return pd.read_csv(out / "tables" / f"headline_{recognizer}.csv").set_index("model")


def test_models_of_all_runs_in_one_table(tmp_path: Path):
    page = write_comparison(two_runs(tmp_path), tmp_path / "out")
    table = headline(tmp_path / "out")
    assert set(table.index) == {"good (one)", "good (two)", "paste", "weak", *ORACLES}
    for name, run, model in (("good (one)", "one", "good"), ("paste", "one", "paste"), ("weak", "two", "weak")):
        own = json.loads((tmp_path / run / "summary.json").read_text())["recognizers"]["judge-a"]["strict"]["models"]
        assert table.loc[name, "sim_gt_failure_aware_mean"] == pytest.approx(own[model]["sim_gt_failure_aware"]["mean"])
    text = Page(page.read_text(encoding="utf-8")).text
    outcomes = pd.read_csv(tmp_path / "out" / "tables" / "outcomes_judge-a.csv").set_index("model")
    assert outcomes.loc["good (two)", "surplus_files"] == 1 and outcomes.loc["paste", "surplus_files"] == 0
    assert "comparison of runs" in text and "Run one" in text and "Run two" in text


def test_pairs_across_runs_are_paired(tmp_path: Path):
    runs = two_runs(tmp_path, models=("weak",))
    write_comparison(runs, tmp_path / "out")
    pairs = pd.read_csv(tmp_path / "out" / "tables" / "comparisons_sim_gt_failure_aware_judge-a.csv")
    pair = pairs[(pairs["a"] == "good") & (pairs["b"] == "weak")].iloc[0]
    scores = {run.name: pd.read_parquet(run / "scores.parquet") for run in runs}

    def values(run: str, model: str) -> pd.Series:
        rows = scores[run].query("model == @model and recognizer == 'judge-a' and protocol == 'strict'")
        return rows.set_index(["case", "person"])["sim_gt"].fillna(0)

    difference = (values("one", "good") - values("two", "weak")).mean()
    assert pair["difference_mean"] == pytest.approx(difference)
    assert pair["n"] == 9


def test_order_of_cases_does_not_matter(tmp_path: Path):
    runs = two_runs(tmp_path)
    write_comparison(runs, tmp_path / "before")
    for name in ("scores", "images", "suite"):
        path = runs[1] / f"{name}.parquet"
        frame = pd.read_parquet(path)
        frame.iloc[::-1].sort_values("model", kind="stable", key=lambda m: m.map({"good": 0, "weak": 1}).fillna(2)).to_parquet(path) if name != "suite" else frame.iloc[::-1].to_parquet(path)  # fmt: skip
    write_comparison(runs, tmp_path / "after")
    pd.testing.assert_frame_equal(headline(tmp_path / "before"), headline(tmp_path / "after"), check_like=True)


def test_another_suite_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match="on another suite") as caught:
        write_comparison(two_runs(tmp_path, fingerprint="e" * 64), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_only_judges_with_the_same_weights(tmp_path: Path):
    runs = two_runs(tmp_path)
    record = json.loads((runs[1] / "run.json").read_text())
    record["recognizers"]["judge-b"]["weights"] = {"r.onnx": "other"}
    (runs[1] / "run.json").write_text(json.dumps(record))
    page = write_comparison(runs, tmp_path / "out")
    assert not (tmp_path / "out" / "tables" / "headline_judge-b.csv").exists()
    assert "Recognizers that not all runs share are left out: judge-b." in Page(page.read_text(encoding="utf-8")).text
    record["recognizers"]["judge-a"]["weights"] = {"r.onnx": "other"}
    (runs[1] / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="share no recognizer"):
        write_comparison(runs, tmp_path / "out")


def test_a_judge_may_have_another_name(tmp_path: Path):
    runs = two_runs(tmp_path, recognizers=("mine",))
    record = json.loads((runs[1] / "run.json").read_text())
    record["recognizers"]["mine"]["weights"] = {"r.onnx": "a-judge-a"}
    (runs[1] / "run.json").write_text(json.dumps(record))
    write_comparison(runs, tmp_path / "out")
    assert set(summary_of(tmp_path / "out")["recognizers"]) == {"judge-a"}
    assert headline(tmp_path / "out").loc["weak", "sim_gt_n"] == 8


def test_shared_protocol_only(tmp_path: Path):
    write_comparison(two_runs(tmp_path, protocols=("strict",)), tmp_path / "out")
    assert not list((tmp_path / "out" / "tables").glob("*paper*"))
    with pytest.raises(RunError, match="share no protocol"):
        other = build_run(tmp_path / "three", models=("weak",), protocols=("paper",))
        write_comparison([tmp_path / "two", other], tmp_path / "none")


def test_runs_of_one_name_are_numbered(tmp_path: Path):
    runs = [build_run(tmp_path / part / "run", models=("good",)) for part in "ab"]
    write_comparison(runs, tmp_path / "out")
    assert {"good (run #1)", "good (run #2)"} < set(headline(tmp_path / "out").index)


def test_three_runs_and_no_oracles_in_the_first(tmp_path: Path):
    runs = [
        build_run(tmp_path / "a", models=("good",), oracles=()),
        build_run(tmp_path / "b", models=("paste",)),
        build_run(tmp_path / "c", models=("weak", list(MODELS)[-1])),
    ]
    write_comparison(runs, tmp_path / "out")
    assert set(headline(tmp_path / "out").index) == {*MODELS, *ORACLES}


def test_other_seeds_are_said_and_means_over_seeds_are_paired(tmp_path: Path):
    runs = two_runs(tmp_path, models=("weak",))
    for name in ("scores", "images"):
        path = runs[1] / f"{name}.parquet"
        pd.read_parquet(path).assign(seed=7).to_parquet(path)
    page = write_comparison(runs, tmp_path / "out")
    assert "different seeds" in Page(page.read_text(encoding="utf-8")).text
    pairs = pd.read_csv(tmp_path / "out" / "tables" / "comparisons_sim_gt_failure_aware_judge-a.csv")
    assert pairs[(pairs["a"] == "good") & (pairs["b"] == "weak")].iloc[0]["n"] == 9


def test_same_bytes_twice(tmp_path: Path):
    runs = two_runs(tmp_path)
    first = write_comparison(runs, tmp_path / "out").read_bytes()
    assert write_comparison(runs, tmp_path / "out").read_bytes() == first


def test_one_run_is_no_comparison(tmp_path: Path):
    with pytest.raises(RunError, match="two or more"):
        write_comparison([build_run(tmp_path / "one")], tmp_path / "out")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def edit_record(run: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((run / "run.json").read_text())
    edit(record)
    (run / "run.json").write_text(json.dumps(record))


def unlike_runs(folder: Path) -> list[Path]:
    """Three runs that differ in all that may differ: two of one name, settings, recognizers, seeds, protocols, cases."""
    runs = [
        build_run(folder / "x" / "run", models=("good", "paste"), recognizers=("judge-a", "judge-b")),
        build_run(folder / "y" / "run", models=("good", "weak"), recognizers=("judge-b", "judge-a"), seed=1),
        build_run(folder / "other", models=("good", HOSTILE), oracles=(), seed=2, protocols=("strict",)),
    ]
    for run, level, resamples, rate in zip(runs, (0.9, 0.95, 0.8), (200, 300, 200), (0.05, 0.01, 0.01), strict=True):
        edit_record(run, lambda r: r["config"].update(level=level, resamples=resamples, false_accept_rate=rate))  # noqa: B023
    for name in ("scores", "images"):
        frame = pd.read_parquet(runs[2] / f"{name}.parquet")
        frame[frame["case"] != "case5"].assign(seed=4).to_parquet(runs[2] / f"{name}.parquet")
    return runs


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_order_of_runs_changes_no_byte(tmp_path: Path):
    runs = unlike_runs(tmp_path)
    outs = [tmp_path / f"out{i}" for i in range(6)]
    for order, out in zip(permutations(runs), outs, strict=True):
        write_comparison(order, out)
    first = files(outs[0])
    assert {"comparison.json", "comparison.html", "summary.json", "compared/2/scores.parquet"} < set(first)
    assert all(files(out) == first for out in outs[1:])
    models = set(headline(outs[0]).index)
    assert models == {"good (other)", "good (run #1)", "good (run #2)", "paste", "weak", HOSTILE, *ORACLES}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_comparison_stands_for_its_runs(tmp_path: Path):
    """Whichever two were compared first, and when the runs themselves are gone."""
    runs = unlike_runs(tmp_path)
    write_comparison(runs, tmp_path / "all")
    expected = files(tmp_path / "all")
    for i, run in enumerate(runs):
        write_comparison([one for one in runs if one != run], tmp_path / f"without{i}", RunConfig(level=0.6))
    write_comparison([tmp_path / "without0", tmp_path / "without1"], tmp_path / "two comparisons")
    assert files(tmp_path / "two comparisons") == expected
    for i, run in enumerate(runs):
        write_comparison([run, tmp_path / f"without{i}"], tmp_path / f"nested{i}")
        assert files(tmp_path / f"nested{i}") == expected
    for run in runs:
        shutil.rmtree(run)
    write_comparison([tmp_path / "nested0", tmp_path / "without2"], tmp_path / "later")
    assert files(tmp_path / "later") == expected


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_report_makes_a_comparison_anew_from_its_directory(tmp_path: Path):
    out = tmp_path / "out"
    write_comparison(unlike_runs(tmp_path), out, RunConfig(level=0.7, resamples=150))
    expected = files(out)
    for name in ("comparison.html", "summary.json"):
        (out / name).unlink()
    shutil.rmtree(out / "tables")
    assert write_report(out) == out / "comparison.html"
    assert files(out) == expected


def test_one_stated_set_of_statistics(tmp_path: Path):
    runs = two_runs(tmp_path)
    for run, level in zip(runs, (0.9, 0.8), strict=True):
        edit_record(run, lambda r: r["config"].update(level=level))  # noqa: B023
    with pytest.warns(UserWarning, match=r"settings of level \(one: 0.9, two: 0.8\); everything here is with 0.95"):
        page = write_comparison(runs, tmp_path / "out")
    assert summary_of(tmp_path / "out")["level"] == 0.95
    assert "level 0.95, resamples 200, interval percentile, statistics seed 0" in page.read_text(encoding="utf-8")
    with pytest.warns(UserWarning, match="everything here is with 0.6"):
        write_comparison(runs, tmp_path / "asked", RunConfig(level=0.6, statistics_seed=5))
    statistics = json.loads((tmp_path / "asked" / "comparison.json").read_text())["statistics"]
    assert statistics == {"level": 0.6, "resamples": 200, "interval": "percentile", "statistics_seed": 5, "false_accept_rate": 0.01}  # fmt: skip


def test_one_false_accept_rate(tmp_path: Path):
    """The strictest, with the threshold of the run that has it; tables do not tell thresholds of other rates."""
    runs = two_runs(tmp_path)
    edit_record(runs[0], lambda r: r["config"].update(false_accept_rate=0.1))
    summary = summary_of(runs[0])
    for one in summary["recognizers"].values():
        one["strict"]["verification"] |= {"threshold": 0.1, "false_accept_rate": 0.1}
    change(runs[0], "summary.json", **summary)
    with pytest.warns(UserWarning, match="false_accept_rate"):
        write_comparison(runs, tmp_path / "out")
    assert summary_of(tmp_path / "out")["recognizers"]["judge-a"]["strict"]["verification"]["threshold"] == 0.4
    with pytest.warns(UserWarning, match="everything here is with 0.1"):
        write_comparison(runs, tmp_path / "asked", RunConfig(false_accept_rate=0.1))
    strict = summary_of(tmp_path / "asked")["recognizers"]["judge-a"]["strict"]
    scores = pd.read_parquet(runs[1] / "scores.parquet").query("model == 'weak' and recognizer == 'judge-a'")
    found = scores.query("protocol == 'strict'")["sim_gt"].dropna()
    assert strict["models"]["weak"]["verified"]["mean"] == pytest.approx((found >= 0.1).mean())
    with pytest.raises(
        RunError, match=r"no run was scored with a false accept rate of 0.02; expected one of 0.01, 0.1"
    ):
        write_comparison(runs, tmp_path / "none", RunConfig(false_accept_rate=0.02))


@pytest.mark.parametrize(
    "edit, said",
    [
        (lambda r: r["detector"].update(threshold=0.3), "looked for faces differently: threshold 0.45 and 0.3"),
        (lambda r: r["detector"].update(weights={"d.onnx": "e" * 64}), "differently: weights.d.onnx d"),
        (lambda r: r["detector"].update(second_look={"version": 2}), "second_look.version (not recorded) and 2"),
        (lambda r: r["detector"].update(decode=3), "decode (not recorded) and 3"),
        (lambda r: r["provenance"].update(metrics_edition=1), "edition 1 of the metrics, this idbench has edition 2"),
    ],
)
def test_scores_that_do_not_mean_the_same_are_refused(tmp_path: Path, edit, said):
    runs = two_runs(tmp_path)
    edit_record(runs[1], edit)
    for order in (runs, runs[::-1]):
        with pytest.raises(RunError) as caught:
            write_comparison(order, tmp_path / "out")
        message = str(caught.value)
        assert said in message and str(runs[1]) in message and "\n" not in message
    assert not (tmp_path / "out").exists()


def test_what_the_detector_was_computed_with_is_no_setting(tmp_path: Path):
    runs = two_runs(tmp_path)
    edit_record(runs[1], lambda r: r["detector"].update(providers=["CUDAExecutionProvider"], licence="another"))
    write_comparison(runs, tmp_path / "out")


def test_another_definition_of_a_metric_is_refused(tmp_path: Path):
    runs = two_runs(tmp_path)
    summary = summary_of(runs[0])
    summary["metrics"]["copy_paste"]["range"] = [0, 1]
    change(runs[0], "summary.json", **summary)
    with pytest.raises(RunError, match="another definition of the metric copy_paste"):
        write_comparison(runs, tmp_path / "out")


def test_another_threshold_at_one_rate_is_refused(tmp_path: Path):
    runs = two_runs(tmp_path)
    summary = summary_of(runs[1])
    summary["recognizers"]["judge-b"]["strict"]["verification"]["threshold"] = 0.5
    change(runs[1], "summary.json", **summary)
    with pytest.raises(RunError, match=r"thresholds of judge-b at one false accept rate, 0.400 and 0.500"):
        write_comparison(runs, tmp_path / "out")


def test_other_clusters_are_refused(tmp_path: Path):
    with pytest.raises(RunError, match="in another cluster or subset"):
        write_comparison(two_runs(tmp_path, clusters=3), tmp_path / "out")


def test_encoders_that_not_all_runs_share_are_left_out(tmp_path: Path):
    """Else a run without CLIP would have its failures, which count 0, as its only numbers."""
    runs = two_runs(tmp_path)
    images = pd.read_parquet(runs[1] / "images.parquet")
    images.assign(clip_i=0.5, aesthetic=4.0).to_parquet(runs[1] / "images.parquet")
    for run in runs:
        edit_record(run, lambda r: r["counts"]["encoders"].update(aesthetic={"weights": {"w": "1" * 64}}))
    edit_record(runs[1], lambda r: r["counts"]["encoders"].update(clip={"weights": {"w": "2" * 64}}))
    with pytest.warns(UserWarning, match="weights of clip: clip_i and clip_t are left out"):
        write_comparison(runs, tmp_path / "out")
    found = summary_of(tmp_path / "out")["images"]["all"]["models"]
    assert not any(name.startswith("clip") for one in found.values() for name in one)
    assert found["weak"]["aesthetic"]["mean"] == 4.0


def test_photos_of_the_suite_that_were_measured_otherwise_are_said(tmp_path: Path):
    runs = two_runs(tmp_path)
    suite = pd.read_parquet(runs[1] / "suite.parquet")
    suite.loc[0, "sim_tr"] = np.clip(suite.loc[0, "sim_tr"] + 0.2, -1, 1)
    suite.to_parquet(runs[1] / "suite.parquet")
    with pytest.warns(UserWarning, match=r"1 of 18 pairs of the suite's own photos differently, by up to 0.200"):
        write_comparison(runs, tmp_path / "out")


def test_a_run_counts_once(tmp_path: Path):
    runs = two_runs(tmp_path)
    write_comparison(runs, tmp_path / "both")
    write_comparison([tmp_path / "both", runs[0]], tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "both")
    with pytest.raises(RunError, match="is given twice"):
        write_comparison([runs[0], runs[1], tmp_path / "two" / ".." / "one"], tmp_path / "none")


def test_nothing_is_written_over_what_is_compared(tmp_path: Path):
    runs = two_runs(tmp_path)
    write_comparison(runs, tmp_path / "both")
    third = build_run(tmp_path / "three", models=("paste",), seed=3)
    for out in (runs[0], tmp_path / "both"):
        before = files(out)
        with pytest.raises(RunError, match="choose another --out"):
            write_comparison([tmp_path / "both", third], out)
        assert files(out) == before
    write_comparison([runs[0], third], tmp_path / "both")
    assert set(headline(tmp_path / "both").index) >= {"good", "paste (one)", "paste (three)"}


def test_a_comparison_that_names_a_run_elsewhere_is_refused(tmp_path: Path):
    write_comparison(two_runs(tmp_path), tmp_path / "both")
    record = json.loads((tmp_path / "both" / "comparison.json").read_text())
    record["runs"][0]["folder"] = "../one"
    change(tmp_path / "both", "comparison.json", **record)
    with pytest.raises(RunError, match="names a run outside compared/"):
        write_report(tmp_path / "both")
    record["runs"][0]["folder"] = "compared/0"
    change(tmp_path / "both", "comparison.json", **record | {"statistics": record["statistics"] | {"level": 7.0}})
    with pytest.raises(ConfigError, match="level: expected between"):
        write_report(tmp_path / "both")
    change(tmp_path / "both", "comparison.json", **record)
    (tmp_path / "both" / "compared" / "0").rename(tmp_path / "moved")
    (tmp_path / "both" / "compared" / "0").symlink_to(tmp_path / "moved")
    with pytest.raises(RunError, match="names a run outside compared/"):
        write_report(tmp_path / "both")
    (tmp_path / "both" / "comparison.json").write_text("{}")
    with pytest.raises(RunError, match=r"comparison\.json"):
        write_report(tmp_path / "both")
