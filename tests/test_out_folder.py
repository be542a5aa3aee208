"""`--out` on what is somebody's own: refused in one line, and nothing of it is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import refused
from support.reports import build_run

from idbench.errors import RunError
from idbench.out_folder import CALIBRATION, COMPARISON, RUN, check_apart, check_out


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    folder = tmp_path / "precious"
    for name in ("tables/thesis.csv", "summary.json", "report.html", "cases.jsonl", "target.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["run", "compare", "make"])
def test_files_of_the_user_are_left_alone(monkeypatch, capsys, tmp_path, precious, command):
    before = files(precious)
    arguments = {
        "run": ["run", "--suite", "synthetic:small"],
        "compare": ["compare", build_run(tmp_path / "a"), build_run(tmp_path / "b")],
        "make": ["suites", "make", "synthetic:small"],
    }
    said = refused(monkeypatch, capsys, *arguments[command], "--out", precious)
    assert (
        "expected a new or empty directory" in said and ("cases.jsonl" if command == "make" else "summary.json") in said
    )
    assert files(precious) == before


def test_what_a_killed_command_left_is_gone_on_with(tmp_path):
    for kind, names in (
        (RUN, [".lock", ".work", "generations.jsonl", "images", "logs", ".run.json.12.ab.tmp", ".DS_Store"]),
        (COMPARISON, ["compared", "summary.json", "tables"]),
        (CALIBRATION, [".lock", "pictures", "scores.parquet"]),
    ):
        folder = tmp_path / kind.what
        check_out(folder, kind)
        for name in names:
            (folder / name).mkdir(parents=True)
            check_out(folder, kind) if name == names[0] else None
        (folder / "notes.txt").touch()
        check_out(folder, kind)
    (tmp_path / "mine" / "images").mkdir(parents=True)
    with pytest.raises(RunError, match="found images;"):
        check_out(tmp_path / "mine", RUN)


def test_files_of_other_names_lie_beside(tmp_path):
    (tmp_path / "log.txt").touch()
    check_out(tmp_path, RUN)


def test_a_folder_that_is_read_is_not_written(tmp_path):
    (tmp_path / "given").mkdir()
    with pytest.raises(RunError, match="is the folder of --images m, "):
        check_apart(tmp_path / "given", [("--images m", tmp_path / "given")])
    for out in ("run", "given/run"):
        check_apart(tmp_path / out, [("--images m", tmp_path / "given")])
