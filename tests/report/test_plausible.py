"""Values that no run gives are refused with file and row; every value that a run can give is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.reports import build_run

from idbench.errors import RunError
from idbench.metrics import MIN_THETA_TR, copy_paste, cosine
from idbench.report import write_comparison, write_report
from idbench.report.data import load
from idbench.report.plausible import check_plausible

Frame = pd.DataFrame
STRICT = "protocol == 'strict' and outcome == 'scored' and model == 'good'"


def edit(folder: Path, table: str, change: Callable[[Frame], Frame | None]) -> None:
    path = folder / f"{table}.parquet"
    frame = pd.read_parquet(path)
    changed = change(frame)
    (frame if changed is None else changed).to_parquet(path)


def put(rows: str, **values: object) -> Callable[[Frame], None]:
    """Sets values in the second of the rows that a query finds."""

    def change(frame: Frame) -> None:
        row = frame.query(rows).index[1]
        for column, value in values.items():
            frame.loc[row, column] = value

    return change


@pytest.mark.parametrize(
    "table, rows, values, said",
    [
        ("scores", STRICT, {"sim_gt": 1.2}, "sim_gt is 1.2, expected -1 to 1"),
        ("scores", STRICT, {"blending": np.inf}, "blending is inf, expected -1 to 1"),
        ("scores", STRICT, {"copy_paste": -1.5}, "copy_paste is -1.5, expected -1 to 1"),
        ("scores", STRICT, {"yaw": 200.0}, "yaw is 200, expected -90 to 90"),
        ("scores", STRICT, {"copy_paste": 0.02}, "copy_paste is 0.02, but its similarities give"),
        ("scores", STRICT, {"sim_ref": 0.1}, "but its similarities give"),
        ("scores", STRICT, {"sim_tr": np.nan}, "but its similarities give nan"),
        ("scores", STRICT, {"sim_gt": np.nan}, "scored, but without sim_gt"),
        ("scores", STRICT, {"copy_paste": None}, "scored, but without copy_paste"),
        ("scores", STRICT, {"outcome": "no_face"}, "no_face, yet with sim_gt"),
        ("scores", STRICT, {"outcome": "undefined"}, "undefined, yet with sim_gt"),
        (
            "scores",
            f"{STRICT} and recognizer == 'judge-a'",
            {"case": "case0", "cluster": "c0", "subset": "p2"},
            "there is another row of the same",
        ),
        ("scores", "protocol == 'paper' and outcome == 'scored'", {"copy_paste": 1.2}, "copy_paste is 1.2"),
        ("scores", "protocol == 'paper' and outcome == 'scored'", {"sim_ref": -7.0}, "sim_ref is -7"),
        ("scores", "protocol == 'paper' and outcome == 'scored'", {"sim_ref_unpadded": 2.0}, "sim_ref_unpadded is 2"),
        ("scores", "protocol == 'paper' and outcome == 'scored'", {"sim_gt": np.nan}, "scored, but without sim_gt"),
        ("images", "model == 'good'", {"missing_people": -1.0}, "missing_people is -1, expected 0 to inf"),
        ("images", "model == 'good'", {"clip_t": 1.3}, "clip_t is 1.3, expected -1 to 1"),
        ("images", "model == 'good'", {"case": "case0"}, "another row of the same"),
        ("suite", "recognizer == 'judge-a'", {"sim_tr": 3.0}, "sim_tr is 3, expected -1 to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_file_and_row(tmp_path: Path, table, rows, values, said):
    folder = build_run(tmp_path / "run", models=("good",))
    before = pd.read_parquet(folder / f"{table}.parquet")
    row = before.query(rows).index[1]
    edit(folder, table, put(rows, **values))
    with pytest.raises(RunError) as caught:
        write_report(folder)
    message = str(caught.value)
    assert f"{folder / table}.parquet, row " in message and said in message and "\n" not in message
    if "case" not in values:
        assert f"row {row} (" in message and f"case {before.loc[row, 'case']}" in message
    with pytest.raises(RunError, match=r"\.parquet, row "):
        write_comparison([folder, build_run(tmp_path / "other", models=("weak",))], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_row_is_that_of_the_file_whatever_its_order(tmp_path: Path):
    folder = build_run(tmp_path / "run", models=("good",))
    edit(folder, "scores", lambda frame: frame.iloc[::-1].reset_index(drop=True))
    edit(folder, "scores", put(STRICT, sim_gt=5.0))
    row = int(np.flatnonzero(pd.read_parquet(folder / "scores.parquet")["sim_gt"] == 5.0)[0])
    with pytest.raises(RunError, match=f"row {row} "):
        load(folder)


def test_scores_of_any_three_embeddings_are_plausible(tmp_path: Path):
    """Near, equal, opposite and nearly equal faces; target and reference that are one photo."""
    rng = np.random.default_rng(3)
    run = load(build_run(tmp_path / "run", models=("good",)))
    rows = run.scores.query(STRICT).iloc[[0]]
    found = []
    for k in range(600):
        g, t, r = rng.normal(size=(3, 64))
        r = t + r * 10.0 ** rng.uniform(-5, 1)
        g = [g, t, r, -t, t + 1e-7 * g, r + 1e-4 * g][k % 6]
        score = copy_paste(g, t, r)
        outcome = "scored" if np.isfinite(score) else "undefined"
        values = {"sim_gt": cosine(g, t), "sim_ref": cosine(g, r), "sim_tr": cosine(t, r), "copy_paste": score}
        found.append(rows.assign(**values, outcome=outcome, case=f"case{k}"))
    scores = pd.concat(found, ignore_index=True)
    assert (scores["sim_tr"] > np.cos(MIN_THETA_TR)).sum() > 50 and scores["copy_paste"].notna().sum() > 300
    check_plausible(tmp_path, scores, run.images, run.suite_photos)
    for k in scores.query("outcome == 'scored' and sim_tr < 0.999").index[::29]:
        shift = -0.01 if scores.loc[k, "copy_paste"] > 0 else 0.01
        wrong = scores.assign(copy_paste=scores["copy_paste"].where(scores.index != k, scores["copy_paste"] + shift))
        with pytest.raises(RunError, match=f"row {k} "):
            check_plausible(tmp_path, wrong, run.images, run.suite_photos)


def test_failures_cannot_be_called_undefined(tmp_path: Path):
    for number, (rows, said) in enumerate(
        (
            (
                "protocol == 'strict' and outcome == 'generation_failed'",
                "by images.parquet the image is generation_failed",
            ),
            ("protocol == 'strict' and outcome == 'missing_person'", "the suite shows this person"),
            ("protocol == 'strict' and outcome == 'scored'", "the suite shows this person"),
        )
    ):
        folder = build_run(tmp_path / str(number))
        nothing = dict.fromkeys(("sim_gt", "sim_ref", "sim_tr", "copy_paste", "face"), np.nan)
        edit(folder, "scores", lambda frame, rows=rows, nothing=nothing: frame.assign(
            **{k: frame[k].mask(frame.eval(rows)) for k in nothing},
            outcome=frame["outcome"].mask(frame.eval(rows), "undefined"),
        ))  # fmt: skip
        with pytest.raises(RunError, match=said):
            load(folder)


def test_an_image_that_is_there_did_not_fail(tmp_path: Path):
    folder = build_run(tmp_path / "run", models=("good",))
    nothing = dict.fromkeys(("sim_gt", "sim_ref", "sim_tr", "copy_paste", "face"))
    edit(folder, "scores", put(STRICT, outcome="refused", **nothing))
    with pytest.raises(RunError, match=r"refused, but images\.parquet has the image"):
        load(folder)


@pytest.mark.parametrize("metric", ["sim_gt", "copy_paste_failure_aware", "found"])
def test_a_summary_says_what_the_rows_say(tmp_path: Path, metric):
    folder = build_run(tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    summary["recognizers"]["judge-b"]["strict"]["groups"]["all"]["models"]["good"][metric]["mean"] -= 0.01
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunError, match=f"summary.json gives 'good' {metric} "):
        load(folder)
