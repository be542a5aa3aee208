"""A run made by somebody in a home folder, and its anonymous copy, in which nothing of them is left."""

from __future__ import annotations

import base64
import json
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.comparing import numbers
from support.in_process import idbench_here
from support.runs import CHEAP, error_line, options
from support.suites import real_cases, write_suite

USER, HOST = "zoe-winter", "lab-gpu-07"
TRACEBACK = 'Traceback (most recent call last):\n  File "{home}/venv/lib/site-packages/net.py", line 3, in draw'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes") / USER


@pytest.fixture(scope="module", autouse=True)
def somebody(home: Path) -> Iterator[None]:
    """This machine and its user are called otherwise."""
    (home / "My Work").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("USER", "LOGNAME", "USERNAME"):
            patch.setenv(name, USER)
        patch.setenv("HOME", str(home))
        patch.setattr(platform, "node", lambda: f"{HOST}.example.org")
        patch.chdir(home / "My Work")
        yield


@pytest.fixture(scope="module")
def run(home: Path, real_suite: Path, packs: Path) -> Path:
    """Its suite is named by a relative path, images by a relative and an absolute one with spaces; one is unreadable."""
    cases = real_cases(real_suite, (1, 1, 2))
    write_suite(home / "My Work" / "data" / USER / "photos", cases)
    images = home / "My Work" / "of mine"
    images.mkdir()
    (images / f"{cases[0].id}.png").write_bytes(cases[0].target.read())
    (images / f"{cases[1].id}.png").write_text("no picture")
    (images / f"extra of {USER}.png").write_bytes(cases[0].target.read())
    shutil.copytree(packs / "mini-a", home / "packs" / "mini-a")
    asked = CHEAP | {"suite": f"data/{USER}/photos", "recognizers": [f"insightface:{home / 'packs/mini-a'}"],
                     "out": home / "My Work" / "runs" / "first", "cache": home / "cache", "gallery": 5,
                     "images": {"mine": "../My Work/of mine", f"{USER}-lora": images}}  # fmt: skip
    done = idbench_here("run", "--quiet", *options(asked))
    assert done.returncode == 0, done.stderr
    _with_tracebacks(asked["out"], home)
    for thumbnail in (asked["out"] / "thumbs").iterdir():
        exif = Image.Exif()
        exif[0x013B] = USER
        Image.open(thumbnail).save(thumbnail, exif=exif, comment=f"by {USER}".encode())
    return asked["out"]


def _with_tracebacks(run: Path, home: Path) -> None:
    """Reasons as a worker that fell over leaves them."""
    table = pq.read_table(run / "images.parquet")
    told = [error and f"{error}: {TRACEBACK.format(home=home)}" for error in table.column("error").to_pylist()]
    at = table.column_names.index("error")
    pq.write_table(table.set_column(at, "error", pa.array(told, pa.string())), run / "images.parquet")
    lines = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    lines[0]["error"] = f"{TRACEBACK.format(home=home)}\nOSError: ~/weights/x.bin on {HOST}"
    (run / "generations.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture(scope="module")
def copy(run: Path) -> Path:
    done = idbench_here("report", run, "--anonymous")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == run.with_name("first-anonymous") / "report.html"
    return run.with_name("first-anonymous")


def said(folder: Path) -> Iterator[tuple[str, str]]:
    """Everything that files say: their bytes, cells of tables, and pictures within pages."""
    for path in sorted(folder.rglob("*")):
        yield "name", str(path.relative_to(folder))
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield path.name, data.decode("latin-1")
        if path.suffix == ".parquet":
            yield path.name, pd.read_parquet(path).to_csv()
            yield path.name, str(pq.read_schema(path).metadata)
        for picture in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data):
            yield path.name, base64.b64decode(picture).decode("latin-1")


def leaks(folder: Path, home: Path) -> list[str]:
    secret = [USER, HOST, str(home), str(home.parent), "My Work", "Work/", "of mine/", "/tmp", "site-packages"]
    return [f"{name}: {word}" for name, text in said(folder) for word in secret if word in text]


def test_the_run_itself_says_where_it_was_made(run, home):
    found = leaks(run, home)
    for name in ("run.json", "generations.jsonl", "images.parquet", "report.html", "errors.csv"):
        assert any(one.startswith(name) for one in found), name
    assert any(one.startswith("report.html") for one in found)


def test_the_copy_says_nothing_of_it(copy, home):
    assert not leaks(copy, home)
    assert {path.name for path in copy.iterdir()} == {
        "run.json", "summary.json", "verification.json", "scores.parquet", "images.parquet", "suite.parquet",
        "generations.jsonl", "report.html", "tables", "thumbs",
    }  # fmt: skip


def test_a_comparison_of_copies_says_nothing_of_it_either(copy, run, home):
    again = run.parent / "second"
    shutil.copytree(copy, again)
    done = idbench_here("compare", copy, again, "--out", run.parent / "both")
    assert done.returncode == 0, done.stderr
    assert not leaks(run.parent / "both", home)


def test_numbers_are_the_same(copy, run):
    (*frames, _), (*expected, _) = numbers(copy), numbers(run)
    names = {f"{USER}-lora": "user-lora"}
    for frame, good in zip(frames, expected, strict=True):
        pd.testing.assert_frame_equal(frame, good.replace(names), check_exact=True)
    text = json.dumps(json.loads((run / "summary.json").read_text()))
    assert json.loads(text.replace(USER, "user")) == json.loads((copy / "summary.json").read_text())


def test_what_is_kept_is_the_last_name(copy):
    record = json.loads((copy / "run.json").read_text())
    assert record["config"]["suite"] == record["suite"]["source"] == "photos"
    assert record["config"]["images"] == {"mine": "of mine", "user-lora": "of mine"}
    assert record["config"]["recognizers"] == ["insightface:mini-a"]
    lines = map(json.loads, (copy / "generations.jsonl").read_text().splitlines())
    assert not any("/" in line.get("path", "") for line in lines)
    assert "net.py" in (copy / "generations.jsonl").read_text()


def test_a_copy_never_overwrites_anything(copy, run):
    before = (copy / "run.json").read_bytes()
    assert "exists already" in error_line(idbench_here("report", run, "--anonymous"))
    assert "exists already" in error_line(idbench_here("report", run, "--anonymous", "--out", run))
    assert (copy / "run.json").read_bytes() == before


def test_out_goes_with_anonymous(run, tmp_path):
    assert "--anonymous" in error_line(idbench_here("report", run, "--out", tmp_path / "x"))


def test_names_that_could_not_be_told_apart_are_refused(run, tmp_path):
    other = tmp_path / "run"
    shutil.copytree(run, other)
    for name in ("scores", "images"):
        table = pq.read_table(other / f"{name}.parquet")
        told = ["user-lora" if model == "mine" else model for model in table.column("model").to_pylist()]
        at = table.column_names.index("model")
        pq.write_table(table.set_column(at, "model", pa.array(told)), other / f"{name}.parquet")
    for name in ("run.json", "summary.json"):
        (other / name).write_text((other / name).read_text().replace('"mine"', '"user-lora"'))
    line = error_line(idbench_here("report", other, "--anonymous", "--out", tmp_path / "copy"))
    assert "column 'model'" in line
