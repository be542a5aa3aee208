"""Sweeps: points in the order of the parameter, and variants beside the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.carded_reports import VALUES, Finished, table, with_cards
from support.reports import MODELS, section

from idbench.report import write_comparison
from idbench.report.data import RunData, load
from idbench.report.figures.plane import Planes
from idbench.report.footnotes import Footnotes
from idbench.stats import line_distances


def planes(data: RunData) -> Planes:
    return Planes(data, "judge-a", Footnotes.of(data, ["judge-a"]))


def test_points_are_joined_in_the_order_of_the_parameter(run: Path):
    data = load(run)
    (sweep,) = data.sweeps
    assert sweep.models == ("w@s=0", "w@s=2", "w@s=10")
    plane = planes(data).curve(sweep)
    assert plane is not None
    at = {p.model: (p.px, p.py) for p in plane.points}
    assert plane.paths == ["M" + "L".join(f"{at[m][0]} {at[m][1]}" for m in sweep.models)]
    assert {p.model: p.label.text for p in plane.points} == {"w@s=0": "0", "w@s=2": "2", "w@s=10": "10"}
    assert all(p.ellipse for p in plane.points)


def test_words_have_no_order_to_join(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        for model, value in zip(VALUES, ("euler", "heun", "ddim"), strict=True):
            record["models"][model]["sweep"]["value"] = value

    data = load(finished(tmp_path / "run", change))
    (sweep,) = data.sweeps
    assert list(sweep.labels.values()) == ["euler", "heun", "ddim"]
    plane = planes(data).curve(sweep)
    assert plane is not None and plane.paths == []


def test_the_main_plane_joins_a_sweep_and_names_its_ends(run: Path):
    data = load(run)
    first, _ = planes(data).all()
    by = {p.model: p for p in first.points}
    assert len(first.paths) == 1 and first.paths[0].startswith(f"M{by['w@s=0'].px} {by['w@s=0'].py}L")
    assert [by[m].label and by[m].label.text for m in ("w@s=0", "w@s=2", "w@s=10")] == ["w@0", None, "w@10"]
    assert by["paste"].label.text == "paste †‡"
    assert not by["w@s=2"].ellipse and by["good"].ellipse


def test_the_table_of_a_sweep_equals_the_summary(run: Path):
    found = pd.read_csv(run / "tables" / "sweep_w-s_judge-a.csv").set_index("value")
    models = json.loads((run / "summary.json").read_text())["recognizers"]["judge-a"]["strict"]["models"]
    assert list(found.index) == [0, 2, 10]
    for model, value in VALUES.items():
        for name in ("sim_gt_failure_aware", "sim_gt", "sim_ref", "copy_paste", "found"):
            assert [found.loc[value, f"{name}_{k}"] for k in ("mean", "low", "high")] == [
                models[model][name][k] for k in ("mean", "low", "high")
            ]
    assert "One model, w, at 3 values of s, from 0 to 10; everything else is the same." in section(run, "sweeps").text


def test_what_changes_along_with_the_parameter_is_said(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        for model, value in VALUES.items():
            record["models"][model]["parameters"]["id_weight"] = 1 - value

    text = section(finished(tmp_path / "run", change), "sweeps").text
    assert "from 0 to 10; id_weight changes with it." in text


def test_variants_do_not_shape_the_line_but_are_measured_from_it(run: Path):
    summary = json.loads((run / "summary.json").read_text())
    group = summary["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    assert set(summary["variants"]) == set(VALUES)
    at = {m: [group["models"][m][n]["mean"] for n in ("sim_gt_failure_aware", "copy_paste")] for m in MODELS | VALUES}
    shaping = [m for m in MODELS if at[m][0] >= group["copy_paste_floor"]]
    assert len(shaping) == 3
    for variant in VALUES:
        x, y = np.array([at[m] for m in (*shaping, variant)]).T
        found = group["tradeoff"]["line_distance"][variant]
        assert found["mean"] == pytest.approx(line_distances(x, y)[-1])
        assert found["low"] <= found["mean"] <= found["high"]
    assert not set(shaping) & set(group["tradeoff"]["line_distance"])  # two others make no line
    assert "no fair competitor" in section(run, "plane").text


def test_runs_side_by_side_keep_their_sweeps_apart(run: Path, finished: Finished, tmp_path: Path):
    again = finished(tmp_path / "again", with_cards)
    write_comparison([run, again], tmp_path / "out")
    names = {p.name for p in (tmp_path / "out" / "tables").glob("sweep_*judge-a.csv")}
    assert names == {"sweep_w-s-run_judge-a.csv", "sweep_w-s-again_judge-a.csv"}
    assert table(tmp_path / "out", "headline_judge-a").loc["paste (again)", "model_marks"].startswith("†")
    assert len(json.loads((tmp_path / "out" / "summary.json").read_text())["variants"]) == 6
