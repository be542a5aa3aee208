"""Files of a suite that are missing, of several splits, or left out are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idbench.suites import open_suite
from idbench.suites.parquet_files import file_problems


@pytest.mark.parametrize(
    ("read", "others", "where", "problem"),
    [
        (["data/train-00000-of-00003.parquet", "data/train-00002-of-00003.parquet"], [], "data/train-00001-of-00003.parquet", "1 of 3"),
        (["train-00001-of-00002.parquet", "train-00002-of-00002.parquet"], [], None, None),
        (["train-00000-of-00001.parquet"], [], None, None),
        (["data/test-00000-of-00001.parquet", "data/train.parquet"], [], "parquet files", ": test, train"),
        (["default/test/0.parquet", "default/train/0.parquet"], [], "parquet files", ": test, train"),
        (["p1.parquet", "p2.parquet"], [], None, None),
        (["extra.parquet"], ["p1/a.parquet", "p2/a.parquet"], "p1/a.parquet", "2 files left out"),
        (["a.parquet"], [".cache/a.parquet"], None, None),
    ],
)  # fmt: skip
def test_what_names_of_files_tell(tmp_path, read, others, where, problem):
    for name in (*read, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = dict(file_problems(tmp_path, [tmp_path / name for name in read]))
    assert list(found) == ([where] if where else []) and (problem or "") in "".join(found.values())


def test_case_folders_a_level_below_others_are_named(tmp_path: Path):
    for name in ("a", "p1/b", "p1/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "meta.json").write_text(json.dumps({"prompt": "p"}))
        (tmp_path / name / "ref_1.png").touch()
    opened = open_suite(str(tmp_path))
    assert [case.id for case in opened.cases()] == ["a"]
    assert opened.problems["p1"].endswith("2, first p1/b")
