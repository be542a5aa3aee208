"""Suites with pipes, devices, links and endless files where files are expected: one line, and no waiting."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.in_process import idbench_here
from support.runs import error_line, idbench
from support.suites import real_cases, write_suite


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def pipe(path: Path) -> None:
    _remove(path)
    os.mkfifo(path)


def device(path: Path) -> None:
    _remove(path)
    path.symlink_to("/dev/zero")


def link_out(path: Path) -> None:
    """To a file that would be a good one."""
    kept = next(parent for parent in path.parents if parent.name == "suite").with_name(f"kept{path.suffix}")
    path.replace(kept)
    path.symlink_to(kept)


def folder(path: Path) -> None:
    _remove(path)
    path.mkdir()


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 << 30)  # takes no space on the disk


@pytest.fixture(scope="module")
def suites(real_suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite in each of three layouts."""
    root = tmp_path_factory.mktemp("suites")
    cases = real_cases(real_suite, (1, 1))
    write_suite(root / "manifest", cases)
    rows = []
    for case in cases:
        place = root / "published" / case.id
        place.mkdir(parents=True)
        photo = case.target.read()
        for name in ("ori.jpg", "ref_1.jpg"):
            (place / name).write_bytes(photo)
        (place / "meta.json").write_text(json.dumps({"prompt": "\x1b[2Ja portrait"}))
        rows.append({"ID": case.id, "GT": {"bytes": photo}, "input_images": [{"bytes": photo}], "prompt": "a portrait"})
    (root / "parquet" / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), root / "parquet" / "data" / "test.parquet")
    return root


@pytest.fixture
def suite_of(suites: Path, tmp_path: Path) -> Callable[[str], Path]:
    return lambda layout: Path(shutil.copytree(suites / layout, tmp_path / "suite"))


REFUSED = {
    **{f"{kind.__name__} for a manifest": ("manifest", "cases.jsonl", kind)
       for kind in (pipe, device, link_out, folder, endless)},
    **{f"{kind.__name__} for parquet": ("parquet", "data/test.parquet", kind)
       for kind in (pipe, device, link_out, folder, endless)},
    **{f"{kind.__name__} for a photo": ("manifest", "*/target.jpg", kind) for kind in (device, link_out)},
    **{f"{kind.__name__} for a published photo": ("published", "*/ref_1.jpg", kind) for kind in (device, link_out)},
    "link_out for a meta.json": ("published", "*/meta.json", link_out),
    "endless for a meta.json": ("published", "*/meta.json", endless),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_file_of_the_suite_is_named(suite_of, name):
    layout, file, change = REFUSED[name]
    suite = suite_of(layout)
    change(sorted(suite.glob(file))[0])
    assert str(suite) in error_line(idbench_here("suites", "show", suite))


@pytest.mark.parametrize("name", ["pipe for a manifest", "device for parquet", "pipe for parquet"])
def test_nothing_waits_for_ever(suite_of, name):
    layout, file, change = REFUSED[name]
    suite = suite_of(layout)
    change(suite / file)
    error_line(idbench("suites", "show", suite, timeout=60))


@pytest.mark.parametrize(("layout", "file"), [("manifest", "*/target.jpg"), ("published", "*/meta.json")])
def test_a_pipe_is_as_good_as_nothing(suite_of, layout, file):
    suite = suite_of(layout)
    pipe(sorted(suite.glob(file))[0])
    done = idbench("suites", "show", suite, timeout=60)
    assert done.returncode == 0, done.stderr


def test_prompts_do_not_move_the_terminal(suite_of):
    done = idbench_here("suites", "show", suite_of("published"), "--cases")
    assert "\x1b" not in done.stdout and r"\x1b[2Ja portrait" in done.stdout
