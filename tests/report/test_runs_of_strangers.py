"""Run directories that anybody may have made: one line or the right report, never a traceback, a wait or other files."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.in_process import idbench_here
from support.reports import build_run
from support.runs import error_line, idbench

SECRET = "private-7f3a91"
"""In every file outside the run, as text or as the comment of a JPEG."""

Change = Callable[[Path], None]
"""Takes the run directory; beside it lies `private/`."""


# Changes of files


def replaced(name: str, target: str) -> Change:
    """The file or folder as a link."""

    def change(run: Path) -> None:
        _remove(run / name)
        (run / name).symlink_to(target)

    return change


def as_folder(name: str) -> Change:
    def change(run: Path) -> None:
        _remove(run / name)
        (run / name).mkdir()

    return change


def as_pipe(name: str) -> Change:
    def change(run: Path) -> None:
        _remove(run / name)
        os.mkfifo(run / name)

    return change


def as_bytes(name: str, data: bytes) -> Change:
    return lambda run: (run / name).write_bytes(data) and None


def without(name: str) -> Change:
    return lambda run: _remove(run / name)


def cut(name: str, share: float) -> Change:
    def change(run: Path) -> None:
        data = (run / name).read_bytes()
        (run / name).write_bytes(data[: int(len(data) * share)])

    return change


def as_huge(name: str) -> Change:
    def change(run: Path) -> None:
        with (run / name).open("wb") as file:
            file.truncate(20 << 30)  # takes no space on the disk

    return change


def as_socket(name: str) -> Change:
    def change(run: Path) -> None:
        _remove(run / name)
        before = Path.cwd()
        os.chdir(run)  # addresses of sockets are short
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(name)
        finally:
            os.chdir(before)

    return change


def on_thumbnail(make: Callable[..., Change], *more: Any) -> Change:
    """A change of the thumbnail of a generated image that the gallery shows."""

    def change(run: Path) -> None:
        images = pd.read_parquet(run / "images.parquet")
        make(f"thumbs/{images.loc[images['case'] == 'case0', 'digest'].iloc[0]}.jpg", *more)(run)

    return change


def as_photo(name: str) -> Change:
    return lambda run: Image.new("RGB", (4000, 3000)).save(run / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# Changes of tables


def with_column(name: str, column: str, make: Callable[[int], pa.Array]) -> Change:
    """A table with one column made anew for its number of rows, and added if there is none."""

    def change(table: pa.Table) -> pa.Table:
        values = make(table.num_rows)
        if column not in table.column_names:
            return table.append_column(column, values)
        return table.set_column(table.column_names.index(column), column, values)

    return table_changed(name, change)


def table_changed(name: str, change: Callable[[pa.Table], pa.Table]) -> Change:
    def apply(run: Path) -> None:
        path = run / f"{name}.parquet"
        table = change(pq.read_table(path))
        pq.write_table(table, path)

    return apply


def cell(name: str, column: str, value: Any, row: int = 0) -> Change:
    """One cell of a table."""

    def change(table: pa.Table) -> pa.Table:
        at = table.column_names.index(column)
        values = table.column(column).to_pylist()
        values[row] = value
        return table.set_column(at, column, pa.array(values, table.schema.field(column).type))

    return table_changed(name, change)


def texts(value: str) -> Callable[[int], pa.Array]:
    return lambda rows: pa.array([value] * rows)


def invalid_utf8(rows: int) -> pa.Array:
    data = pa.array([b"\xff\xfe"] * rows, pa.binary())
    return pa.Array.from_buffers(pa.string(), rows, data.buffers())


# Changes of records


def field(name: str, *keys: str | int, value: Any) -> Change:
    """One value in JSON, written as Python writes it: NaN and Infinity too."""

    def change(run: Path) -> None:
        document = json.loads((run / name).read_text())
        inner = document
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        (run / name).write_text(json.dumps(document))

    return change


def no_field(name: str, *keys: str) -> Change:
    def change(run: Path) -> None:
        document = json.loads((run / name).read_text())
        inner = document
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]
        (run / name).write_text(json.dumps(document))

    return change


def text_replaced(name: str, old: str, new: str) -> Change:
    return lambda run: (run / name).write_text((run / name).read_text().replace(old, new)) and None


def rewritten(name: str, pattern: str, new: str) -> Change:
    return lambda run: (run / name).write_text(re.sub(pattern, new, (run / name).read_text())) and None


def all_of(*changes: Change) -> Change:
    def change(run: Path) -> None:
        for one in changes:
            one(run)

    return change


ALL = ("recognizers", "judge-a", "strict", "groups", "all")
GOOD = (*ALL, "models", "good", "sim_gt", "mean")
REFUSED: dict[str, Change] = {
    # what is no file
    **{f"{name} is a {kind}": make(name)
       for name in ("run.json", "summary.json", "scores.parquet", "images.parquet", "suite.parquet")
       for kind, make in (("pipe", as_pipe), ("folder", as_folder))},
    "run.json is a socket": as_socket("run.json"),
    "summary.json is a device": replaced("summary.json", "/dev/zero"),
    "scores.parquet is a device": replaced("scores.parquet", "/dev/zero"),
    # links
    "run.json is a link out": replaced("run.json", "../private/run.json"),
    "summary.json is an absolute link out": replaced("summary.json", "/etc/passwd"),
    "images.parquet is a link out": replaced("images.parquet", "../private/images.parquet"),
    "run.json links to itself": replaced("run.json", "run.json"),
    "run.json links to nothing": replaced("run.json", "nowhere"),
    "thumbs is a link out": replaced("thumbs", "../private/thumbs"),
    "thumbs is the root": replaced("thumbs", "/"),
    "tables is a link out": replaced("tables", "../private/tables"),
    "tables is a link to nothing outside": replaced("tables", "../private/new"),
    "tables is a file": as_bytes("tables", b"a file"),
    "tables is a pipe": as_pipe("tables"),
    "report.html is a folder": as_folder("report.html"),
    # thumbnails
    "a thumbnail is a link out": on_thumbnail(replaced, "../../private/photo.jpg"),
    "a thumbnail is a pipe": on_thumbnail(as_pipe),
    "a thumbnail is a device": on_thumbnail(replaced, "/dev/zero"),
    "a thumbnail is huge": on_thumbnail(as_huge),
    # JSON
    "run.json is empty": as_bytes("run.json", b""),
    "run.json is missing": without("run.json"),
    "run.json is a list": as_bytes("run.json", b"[]"),
    "run.json is no UTF-8": as_bytes("run.json", b'{"state": "\xff"}'),
    "run.json is huge": as_huge("run.json"),
    "summary.json is cut": cut("summary.json", 0.5),
    "summary.json is null": as_bytes("summary.json", b"null"),
    "summary.json is deep": as_bytes("summary.json", b'{"a":' * 100_000),
    "summary.json is deep lists": as_bytes("summary.json", b"[" * 1_000_000),
    "summary.json is one long number": as_bytes("summary.json", b"1" * 5_000_000),
    "summary.json of another version": field("summary.json", "schema_version", value=99),
    "a field too many": field("run.json", "surprise", value=1),
    "a field too many, with a bell": field("run.json", "\x07\x1b]0;title\x07", value=1),
    "no suite": field("run.json", "suite", value=None),
    "no state": no_field("run.json", "state"),
    "a fingerprint that is a number": field("run.json", "suite", "fingerprint", value=5),
    "a number that is text": field("summary.json", *GOOD, value="0.5"),
    "a number that is true": field("summary.json", *GOOD, value=True),
    "a number that is a list": field("summary.json", *GOOD, value=[0.5]),
    "a number that is NaN": field("summary.json", *GOOD, value=float("nan")),
    "a number that is infinite": field("summary.json", *GOOD, value=float("inf")),
    "a number that becomes infinite": rewritten("summary.json", r'"hypervolume":[^,}]+', '"hypervolume":1e999'),
    "a number out of its range": field("summary.json", *GOOD, value=7.5),
    "a huge number": field("summary.json", *GOOD, value=10**400),
    "a count that is a fraction": field("summary.json", *GOOD[:-1], "n", value=1.5),
    "half a surrogate pair": text_replaced("run.json", '"tiny"', '"ti\\ud800ny"'),
    "a level of 5": field("summary.json", "level", value=5),
    "resamples without end": field("run.json", "config", "resamples", value=10**9),
    "a gallery without end": field("run.json", "config", "gallery", value=10**9),
    "a seed that is a list": field("run.json", "config", "seeds", value=[1]),
    "a sweep without value": field("run.json", "models", "good", "sweep", value={"of": "good", "parameter": "a"}),
    "a sweep of lists": field("run.json", "models", "good", "sweep", value={"of": "g", "parameter": "a", "value": []}),
    "a card that is text": field("run.json", "models", "good", "card", value="good"),
    # records that contradict tables or themselves
    "summary.json without a group all": no_field("summary.json", *ALL),
    "no numbers of images": field("summary.json", "images", value={}),
    "no recognizer": field("summary.json", "recognizers", value={}),
    "a recognizer without protocols": field("summary.json", "recognizers", "judge-a", value={}),
    "a recognizer too many": field("summary.json", "recognizers", "judge-x", value={}),
    "other recognizers in run.json": field("run.json", "recognizers", value={"judge-x": {"kind": "mini"}}),
    "a model too many in summary.json": field("summary.json", "models", 0, value="nobody"),
    "a model twice in summary.json": field("summary.json", "models", 0, value="paste"),
    "an oracle that is no model": field("summary.json", "oracles", 0, value="nobody"),
    "a rank of nobody": field("summary.json", *ALL, "ranks", "sim_gt_failure_aware", "nobody", value=1),
    "a rank of an oracle": field("summary.json", *ALL, "ranks", "sim_gt_failure_aware", "oracle-target", value=1),
    "a comparison by an unknown metric": field("summary.json", *ALL, "comparisons", "charm", value=[]),
    "a comparison of nobody": field("summary.json", *ALL, "comparisons", "sim_gt_failure_aware", 0, "a", value="x"),
    "an ellipse of one number": field("summary.json", *ALL, "tradeoff", "ellipses", "good", value=[[1.0]]),
    "no metrics": field("summary.json", "metrics", value={}),
    "a metric not declared": no_field("summary.json", "metrics", "copy_paste"),
    # parquet
    "scores.parquet is missing": without("scores.parquet"),
    "scores.parquet is empty": as_bytes("scores.parquet", b""),
    "scores.parquet is text": as_bytes("scores.parquet", b"model,case\n" * 100),
    "scores.parquet is cut": cut("scores.parquet", 0.7),
    "scores.parquet is huge": as_huge("scores.parquet"),
    "scores.parquet is of another thing": lambda run: pd.DataFrame({"a": [1]}).to_parquet(run / "scores.parquet"),
    "scores.parquet is images.parquet": lambda run: shutil.copy(run / "images.parquet", run / "scores.parquet") and None,
    "no scores": table_changed("scores", lambda table: table.slice(0, 0)),
    "no images": table_changed("images", lambda table: table.slice(0, 0)),
    **{f"{name} without {column}": table_changed(name, lambda table, column=column: table.drop_columns(column))
       for name, column in (("scores", "model"), ("scores", "sim_gt"), ("scores", "x1"), ("scores", "person"),
                            ("images", "outcome"), ("images", "digest"), ("images", "width"), ("images", "error"),
                            ("suite", "recognizer"), ("suite", "target_width"), ("suite", "prompt"))},
    "a column twice": table_changed("scores", lambda t: t.append_column("sim_gt", t.column("sim_gt"))),
    "models that are integers": with_column("scores", "model", lambda n: pa.array(range(n))),
    "cases that are lists": with_column("images", "case", lambda n: pa.array([["case0"]] * n)),
    "cases that are bytes": with_column("images", "case", lambda n: pa.array([b"case0"] * n)),
    "cases that are mappings": with_column("images", "case", lambda n: pa.array([{"id": "case0"}] * n)),
    "scores that are text": with_column("scores", "sim_gt", texts("0.5")),
    "scores that are true": with_column("scores", "sim_gt", lambda n: pa.array([True] * n)),
    "scores that are lists": with_column("scores", "sim_gt", lambda n: pa.array([[0.5]] * n)),
    "scores that are dates": with_column("scores", "sim_gt", lambda n: pa.array([0] * n, pa.timestamp("us"))),
    "scores that are a dictionary of texts": with_column("scores", "sim_gt", lambda n: texts("a")(n).dictionary_encode()),
    "seeds that are text": with_column("images", "seed", texts("0")),
    "seeds that are fractions": with_column("images", "seed", lambda n: pa.array([0.5] * n)),
    "seeds that are infinite": with_column("images", "seed", lambda n: pa.array([float("inf")] * n)),
    "seeds that are empty": with_column("images", "seed", pa.nulls),
    "seeds that are negative": with_column("images", "seed", lambda n: pa.array([-1] * n)),
    "people that are huge": with_column("scores", "person", lambda n: pa.array([2**64 - 1] * n, pa.uint64())),
    "people that are large": with_column("scores", "person", lambda n: pa.array([2**62] * n)),
    "nobody in the strict rows": with_column("scores", "person", lambda n: pa.nulls(n, pa.int64())),
    "images of no width": with_column("images", "width", lambda n: pa.array([0] * n)),
    "photos of negative width": with_column("suite", "target_width", lambda n: pa.array([-5] * n)),
    "infinite boxes": with_column("scores", "x1", lambda n: pa.array([np.inf] * n)),
    "text that is no UTF-8": with_column("images", "error", invalid_utf8),
    "models that are no UTF-8": with_column("scores", "model", invalid_utf8),
    "models that are empty": with_column("scores", "model", pa.nulls),
    "a model without name": cell("images", "model", ""),
    "a model with an endless name": cell("images", "model", "x" * 100_000),
    "a model that is nowhere else": cell("images", "model", "stranger \x1b[2J\x07\nidbench: all is well"),
    "a model without scores anywhere": cell("scores", "model", "../../etc/passwd"),
    "a case that is nowhere else": cell("scores", "case", "unheard of"),
    "an outcome that is none": cell("images", "outcome", "splendid"),
    "a protocol that is none": cell("scores", "protocol", "mine"),
    "a recognizer that is nowhere else": cell("scores", "recognizer", "my own"),
    "one row twice": table_changed("images", lambda table: pa.concat_tables([table, table.slice(0, 1)])),
    "one score twice": table_changed("scores", lambda table: pa.concat_tables([table, table.slice(0, 1)])),
}  # fmt: skip

SHOWN: dict[str, Change] = {
    "nothing": lambda run: None,
    "with a byte order mark": lambda run: (run / "run.json").write_bytes(b"\xef\xbb\xbf" + (run / "run.json").read_bytes()) and None,
    "a link inside": all_of(lambda run: (run / "run.json").rename(run / "kept.json") and None, replaced("run.json", "kept.json")),
    "report.html is a link out": replaced("report.html", "../private/report.html"),
    "a table is a link out": all_of(as_folder("tables"), replaced("tables/errors.csv", "../../private/report.html")),
    "an old table is a link out": all_of(as_folder("tables"), replaced("tables/old.csv", "../../private/report.html")),
    "a folder called like a table": all_of(as_folder("tables"), as_folder("tables/old.csv")),
    "no thumbnails": without("thumbs"),
    "a thumbnail is a whole photo": on_thumbnail(as_photo),
    "a thumbnail is text": on_thumbnail(as_bytes, b"a key"),
    "no recognizers in run.json": field("run.json", "recognizers", value={}),
    "no verification.json": without("verification.json"),
    "digests that are paths": with_column("images", "digest", texts("../../private/photo")),
    "digests that are addresses": with_column("images", "digest", texts("file:///etc/passwd")),
    "paths out": with_column("images", "path", texts("../../private/photo.jpg")),
    "absolute paths": with_column("images", "path", texts("/etc/passwd")),
    "text as a dictionary": table_changed("scores", lambda t: t.set_column(0, "model", t.column("model").dictionary_encode())),
    "text of the large kind": table_changed("scores", lambda t: t.set_column(0, "model", t.column("model").cast(pa.large_string()))),
    "numbers of half precision": with_column("images", "seconds", lambda n: pa.array(np.full(n, 0.5, np.float16))),
    "seeds of another width": table_changed("images", lambda t: t.set_column(t.column_names.index("seed"), "seed", t.column("seed").cast(pa.int8()))),
    "no reasons": with_column("images", "error", pa.nulls),
    "a column too many": with_column("scores", "charm", lambda n: pa.array([[{"a": 1}]] * n)),
    "a column of numbers too many": with_column("scores", "charm", lambda n: pa.array([0.5] * n)),
    "no column of memory": table_changed("images", lambda table: table.drop_columns("peak_memory")),
    "columns in another order": table_changed("scores", lambda table: table.select(table.column_names[::-1])),
    "markup in a prompt": with_column("suite", "prompt", texts("<script>alert(1)</script>\x1b[2J\x00")),
    "a card with markup": field("run.json", "suite", "licence", value="</p><img src=x onerror=alert(1)>\x1b[2J"),
    "a boundless title": field("summary.json", "metrics", "sim_gt", "title", value="t" * 100_000),
    "an unknown direction": field("summary.json", "metrics", "sim_gt", "direction", value="sideways"),
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, with private files beside it."""
    place = tmp_path_factory.mktemp("inbox")
    run = build_run(place / "run", cases=4)
    shutil.copytree(run, place / "private")
    (place / "private" / "tables").mkdir()
    for name in ("report.html", "tables/errors.csv", "secret.txt"):
        (place / "private" / name).write_text(SECRET)
    photo = Image.new("RGB", (60, 60), (9, 9, 9))
    for path in [place / "private" / "photo.jpg", *(place / "private" / "thumbs").iterdir()]:
        photo.save(path, comment=SECRET.encode())
    for name in ("run.json", "summary.json"):
        path = place / "private" / name
        path.write_text(path.read_text().replace("tiny", SECRET))
    return run


@pytest.fixture
def inbox(good: Path, tmp_path: Path) -> Path:
    """A copy of the run and its neighbours, to be changed."""
    shutil.copytree(good.parent, tmp_path / "inbox", symlinks=True)
    return tmp_path / "inbox" / "run"


def neighbours(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((run.parent / "private").rglob("*")) if path.is_file()}


def written(run: Path) -> list[Path]:
    """What a command may have written: regular files of its own."""
    found = [run / "report.html", *(run / "tables").glob("*"), *(run.parent / "both").rglob("*")]
    private = (run.parent / "private").resolve()
    return [path for path in found if path.is_file() and not path.resolve().is_relative_to(private)]


def check_line(done, run: Path) -> None:
    line = error_line(done)
    assert "has a fault" not in line, line  # the last net is for what nobody foresaw
    assert line.isprintable() and len(line) < 5000, line
    assert re.search(re.escape(str(run)), line), line


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_one_line(inbox: Path, name: str):
    REFUSED[name](inbox)
    before = neighbours(inbox)
    check_line(idbench_here("report", inbox), inbox)
    assert neighbours(inbox) == before
    assert not any(SECRET.encode() in path.read_bytes() for path in written(inbox))


@pytest.mark.parametrize("name", SHOWN)
def test_what_does_not_matter_changes_nothing(inbox: Path, good: Path, name: str):
    SHOWN[name](inbox)
    before = neighbours(inbox)
    done = idbench_here("report", inbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert neighbours(inbox) == before
    assert not (inbox / "report.html").is_symlink()
    page = (inbox / "report.html").read_text()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert not any(SECRET.encode() in path.read_bytes() for path in written(inbox))


ON_OUTPUT = {name for name in REFUSED if name.startswith(("tables is", "report.html is"))}


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - ON_OUTPUT)[::5])
def test_comparisons_say_it_too(inbox: Path, good: Path, name: str):
    """Of some: `report` and `compare` read a run in the same way."""
    other = inbox.with_name("other")
    shutil.copytree(good, other)
    REFUSED[name](inbox)
    before = neighbours(inbox)
    check_line(idbench_here("compare", inbox, other, "--out", inbox.parent / "both"), inbox)
    assert neighbours(inbox) == before
    assert not any(SECRET.encode() in path.read_bytes() for path in written(inbox))


def test_recognizers_that_are_not_described_are_not_compared(inbox: Path, good: Path):
    shutil.copytree(good, inbox.with_name("other"))
    SHOWN["no recognizers in run.json"](inbox)
    done = idbench_here("compare", inbox, inbox.with_name("other"), "--out", inbox.parent / "both")
    assert "share no recognizer" in error_line(done)


@pytest.mark.parametrize("name", ["run.json is a pipe", "summary.json is a device", "scores.parquet is a pipe",
                                  "a thumbnail is a pipe", "a thumbnail is a device", "thumbs is a link out",
                                  "summary.json is deep lists", "tables is a pipe"])  # fmt: skip
def test_nothing_waits_for_ever(inbox: Path, name: str):
    REFUSED[name](inbox)
    check_line(idbench("report", inbox, timeout=60), inbox)


def test_faults_that_nobody_foresaw_are_one_line(inbox: Path, monkeypatch: pytest.MonkeyPatch):
    from idbench.report import page

    def broken(data):
        raise KeyError("charm")

    monkeypatch.setattr(page, "notes", broken)
    line = error_line(idbench_here("report", inbox))
    assert "damaged or was edited, or idbench has a fault: KeyError ('charm') at test_runs_of_strangers.py" in line


@pytest.mark.parametrize("name", ["a model that is nowhere else", "a field too many, with a bell"])
def test_a_terminal_is_not_moved_by_what_a_run_says(inbox: Path, name: str):
    REFUSED[name](inbox)
    line = error_line(idbench_here("report", inbox))
    assert r"\x1b" in line and "\x1b" not in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("run.json is a pipe", "run.json: expected a file, found a pipe"),
        ("run.json is a folder", "run.json: expected a file, found a folder"),
        ("run.json is a socket", "run.json: expected a file, found a socket"),
        ("run.json is huge", "run.json has 21,474,836,480 bytes, and at most 67,108,864 are read"),
        ("summary.json is a device", "summary.json leads outside"),
        ("a number that becomes infinite", "summary.json cannot be read: Out of range float values"),
        ("scores that are true", "scores.parquet: column 'sim_gt': expected numbers, found bool"),
        ("scores without person", "scores.parquet: column 'person' is missing"),
        ("a model that is nowhere else", "models of images.parquet that summary.json does not have: 'stranger"),
    ],
)
def test_the_line_says_what_is_wrong(inbox: Path, name: str, words: str):
    REFUSED[name](inbox)
    assert words in error_line(idbench_here("report", inbox))


def test_a_permission_is_named(inbox: Path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (inbox / "run.json").chmod(0)
    assert "Permission denied" in error_line(idbench_here("report", inbox))
