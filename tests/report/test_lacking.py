"""A run that lacks cases, or rows of images it has, says how many and which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from support.reports import Page, build_run, change

from idbench.report import write_comparison, write_report
from idbench.report.data import load

TABLES = ("scores", "images", "suite")


def drop(folder: Path, rows: Callable[[pd.DataFrame], pd.Series], tables: tuple[str, ...]) -> Path:
    for name in tables:
        frame = pd.read_parquet(folder / f"{name}.parquet")
        frame[~rows(frame)].to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def test_a_whole_run_lacks_nothing(tmp_path: Path):
    assert load(build_run(tmp_path / "run")).notes == ()


def test_cases_without_scores(tmp_path: Path):
    folder = drop(build_run(tmp_path / "run"), lambda f: f["case"].isin(["case3", "case6"]), ("scores", "images"))
    with pytest.warns(UserWarning, match="2 of the suite's 8 cases have no scores, first case3, case6;") as told:
        page = write_report(folder)
    assert len(told) == 1
    assert str(told[0].message) in Page(page.read_text(encoding="utf-8")).text


def test_cases_that_no_table_knows(tmp_path: Path):
    folder = drop(build_run(tmp_path / "run"), lambda f: f["case"] == "case3", TABLES)
    assert load(folder).notes == ("1 of the suite's 8 cases have no scores; the numbers are over the others.",)


def test_one_model_lacks_cases(tmp_path: Path):
    folder = build_run(tmp_path / "run", models=("good", "weak"))
    drop(folder, lambda f: (f["case"] == "case3") & (f["model"] == "weak"), ("scores", "images"))
    (note,) = load(folder).notes
    assert note.startswith("1 of the suite's 8 cases have no scores of weak, first case3;")


def test_rows_of_images_that_are_there(tmp_path: Path):
    """Such as failures that somebody left out."""
    folder = drop(build_run(tmp_path / "run"), lambda f: (f["outcome"] == "missing_person") & (f["recognizer"] == "judge-a"), ("scores",))  # fmt: skip
    (note,) = load(folder).notes
    assert note.startswith("1 rows that images.parquet and suite.parquet ask for are not in scores.parquet")
    assert "model weak, case case1, seed 0, person 0, recognizer judge-a, protocol strict" in note


def test_compared_runs_name_what_another_run_knows(tmp_path: Path):
    whole = build_run(tmp_path / "whole", models=("good",))
    poor = drop(build_run(tmp_path / "poor", models=("weak",)), lambda f: f["case"] == "case3", TABLES)
    with pytest.warns(UserWarning, match=r"Run poor: 1 of the suite's 8 cases have no scores, first case3;") as told:
        page = write_comparison([whole, poor], tmp_path / "out")
    assert len(told) == 1 and str(told[0].message) in Page(page.read_text(encoding="utf-8")).text


def test_a_suite_of_more_cases_than_the_run(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    suite = load(folder).suite.model_dump()
    change(folder, "run.json", suite=suite | {"cases": 12})
    (note,) = load(folder).notes
    assert note.startswith("4 of the suite's 12 cases have no scores;")
