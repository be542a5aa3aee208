"""Runs laid side by side: same suite, same recognizers, paired across runs; anything else is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from support.reports import MODELS, ORACLES, Page, build_run

from idbench.errors import RunError
from idbench.report import write_comparison


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
