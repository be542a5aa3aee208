"""Killed, out of disk, or two at a time: what was good stays good, and the next run ends with the same numbers."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from support.comparing import assert_same_numbers, ledger
from support.runs import error_line, flags, idbench, options, run_here, start
from support.suites import real_cases, write_suite

from idbench.errors import IdbenchError, RunError, StorageError
from idbench.generate.ledger import Ledger
from idbench.records import Generation
from idbench.report import write_report
from idbench.store import exclusive_lock


def is_root() -> bool:
    return os.geteuid() == 0


@pytest.fixture(scope="module")
def suite(real_suite: Path, tmp_path_factory) -> Path:
    return write_suite(tmp_path_factory.mktemp("interruption") / "suite", real_cases(real_suite, (1, 1, 2)))


@pytest.fixture(scope="module")
def images(suite: Path) -> dict[str, str]:
    """A model that gives every target back, except the last."""
    folder = suite.parent / "images"
    folder.mkdir()
    for target in sorted(suite.glob("*/target.jpg"))[:-1]:
        (folder / f"{target.parent.name}.jpg").write_bytes(target.read_bytes())
    return {"model": str(folder)}


@pytest.fixture(scope="module")
def undisturbed(suite, images, packs, tmp_cache) -> Path:
    return run_here(suite, packs, suite.parent / "undisturbed", tmp_cache, images=images, protocol="both")


def wait_for(happened, child: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until something happened or the child ended."""
    ends = time.monotonic() + seconds
    while not happened() and child.poll() is None:
        assert time.monotonic() < ends
        time.sleep(0.003)


def kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_numbers(suite, images, packs, undisturbed, tmp_path):
    run, cache = tmp_path / "run", tmp_path / "cache"
    wanted = flags(suite, packs, run, cache, images=images, protocol="both")
    moments = [
        lambda: any(cache.rglob("*.npz")),
        lambda: (run / "generations.jsonl").exists(),
        lambda: (run / "scores.parquet").exists(),
        lambda: (run / "summary.json").exists(),
    ]
    random_delay = random.Random(7)
    for moment in moments:
        child = start("run", *options(wanted))
        wait_for(moment, child)
        time.sleep(random_delay.uniform(0, 0.15))
        kill(child)
    run_here(suite, packs, run, cache, images=images, protocol="both")
    assert_same_numbers(run, undisturbed)
    assert sorted(map(str, ledger(run))) == sorted(
        str(line).replace(str(undisturbed), str(run)) for line in ledger(undisturbed)
    )
    record = json.loads((run / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["counts"]["images_analysed_anew"] < record["suite"]["people"]


@pytest.mark.slow
def test_killed_at_random_moments_nothing_cached_is_analysed_twice(suite, images, packs, undisturbed, tmp_path):
    run, cache = tmp_path / "run", tmp_path / "cache"
    wanted = flags(suite, packs, run, cache, images=images, protocol="both")
    child = start("run", *options(wanted))
    wait_for(lambda: any(cache.rglob("*.npz")), child)
    time.sleep(random.Random().uniform(0, 1.5))
    kill(child)
    run_here(suite, packs, run, cache, images=images, protocol="both")
    assert_same_numbers(run, undisturbed)
    fresh = run_here(suite, packs, tmp_path / "fresh", tmp_path / "other cache", images=images, protocol="both")
    anew, total = (json.loads((r / "run.json").read_text())["counts"]["images_analysed_anew"] for r in (run, fresh))
    assert anew < total


def test_a_finished_run_analyses_nothing_anew(suite, images, packs, undisturbed, tmp_cache, tmp_path):
    again = run_here(suite, packs, tmp_path / "run", tmp_cache, images=images, protocol="both")
    assert json.loads((again / "run.json").read_text())["counts"]["images_analysed_anew"] == 0
    before = (again / "generations.jsonl").read_bytes()
    run_here(suite, packs, again, tmp_cache, images=images, protocol="both")
    assert (again / "generations.jsonl").read_bytes() == before
    assert_same_numbers(again, undisturbed)


def test_stray_temporary_files_do_not_matter(suite, images, packs, undisturbed, tmp_cache, tmp_path):
    for name in (
        ".scores.parquet.x.tmp",
        "faces/.mini-a.parquet.y.tmp",
        ".run.json.z.tmp",
        "images/oracle-paste/.a.tmp",
    ):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(b"half")
    run_here(suite, packs, tmp_path / "run", tmp_cache, images=images, protocol="both")
    assert_same_numbers(tmp_path / "run", undisturbed)


def generation(case: str) -> Generation:
    return Generation(model="m", case=case, outcome="missing_image", error="no image")


@pytest.mark.parametrize("lost", [1, 2, 3, 30])
def test_a_ledger_torn_anywhere_loses_only_the_line_being_written(tmp_path, lost: int):
    path = tmp_path / "generations.jsonl"
    whole = Ledger(path)
    for case in ("première", "deuxième", "troisième " + "é" * 20):
        whole.record(generation(case))
    written = path.read_bytes()
    torn = written[:-lost] if lost < 30 else written[: written.rindex("é".encode()) + 1]
    path.write_bytes(torn)
    healed = Ledger(path)
    assert len(healed) == 2
    assert path.read_bytes() == written[: written[:-1].rindex(b"\n") + 1]
    healed.record(generation("troisième " + "é" * 20))
    assert path.read_bytes() == written
    assert len(Ledger(path)) == 3


def test_a_ledger_damaged_in_its_middle_is_named_in_one_line(tmp_path):
    path = tmp_path / "generations.jsonl"
    path.write_text('{"model": "m"}\n' + generation("a").model_dump_json() + "\n")
    with pytest.raises(RunError, match="line 1"):
        Ledger(path)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system refuses every write beyond `size` bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_whole(run: Path) -> None:
    """Every artefact that is in place can be read to its end."""
    for path in run.rglob("*.parquet"):
        pd.read_parquet(path)
    for path in run.rglob("*.json"):
        json.loads(path.read_text())
    for path in run.rglob("*.html"):
        assert path.read_text().rstrip().endswith("</html>")


ARTEFACTS = (
    "run.json", "generations.jsonl", "suite.parquet", "scores.parquet", "images.parquet", "faces/mini-a.parquet",
    "summary.json", "report.html",
)  # fmt: skip


def refusals(sizes: list[int], suite: Path, packs: Path, run: Path, cache: Path, **wanted) -> set[Path]:
    """What could not be written, each file size in turn, in one run directory and one cache."""
    refused = set()
    for size in sizes:
        with pytest.raises(StorageError) as caught, largest_file(size):
            run_here(suite, packs, run, cache, **wanted)
        message = str(caught.value)
        assert message.startswith("cannot write ") and "File too large" in message and "\n" not in message
        refused.add(Path(message.removeprefix("cannot write ").partition(": ")[0]))
        assert_whole(run)
        assert not list(run.parent.rglob("*.tmp"))
    return refused


def test_refused_cache_entries_and_composites_end_in_one_line(suite, images, packs, undisturbed, tmp_path):
    run, cache = tmp_path / "run", tmp_path / "cache"
    composite = min(path.stat().st_size for path in (undisturbed / "images").rglob("*.jpg"))
    refused = refusals([0, 700, composite // 2], suite, packs, run, cache, images=images, protocol="both")
    assert {path.name.partition(".")[2] for path in refused} == {"lock", "npz", "jpg"}
    run_here(suite, packs, run, cache, images=images, protocol="both")
    assert_same_numbers(run, undisturbed)


def test_refused_tables_and_reports_end_in_one_line_and_leave_nothing_half_written(
    suite, images, packs, tmp_cache, tmp_path
):
    """The limit rises from artefact to artefact."""
    wanted = {"images": images, "protocol": "both", "oracles": False}
    good = run_here(suite, packs, tmp_path / "good", tmp_cache, **wanted)
    sizes = sorted(int(0.6 * (good / name).stat().st_size) for name in ARTEFACTS)
    refused = refusals(sizes, suite, packs, tmp_path / "bad" / "run", tmp_cache, **wanted)
    assert len(refused) >= 3
    assert {path.suffix for path in refused} >= {".parquet", ".json"}
    run_here(suite, packs, tmp_path / "bad" / "run", tmp_cache, **wanted)
    assert_same_numbers(tmp_path / "bad" / "run", good)


def test_a_refused_ledger_line_is_written_by_the_next_run(suite, images, packs, tmp_cache, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    path = run / "generations.jsonl"
    others = "".join(generation(f"case {i}").model_dump_json() + "\n" for i in range(5000))
    path.write_text(others)
    with pytest.raises(StorageError, match=r"generations\.jsonl"), largest_file(len(others) + 50):
        run_here(suite, packs, run, tmp_cache, images=images, oracles=False)
    assert len(path.read_bytes()) == len(others) + 50
    run_here(suite, packs, run, tmp_cache, images=images, oracles=False)
    assert [line["model"] for line in ledger(run)] == ["m"] * 5000 + ["model"] * 3


def test_a_refused_report_leaves_the_old_one(suite, images, packs, undisturbed, tmp_cache, tmp_path):
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images=images)
    before = (run / "report.html").read_bytes()
    with pytest.raises(StorageError, match=r"report\.html"), largest_file(int(0.6 * len(before))):
        write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert not list(run.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["scores.parquet", "summary.json", "report.html"])
def test_a_refused_write_does_not_take_a_good_artefact(suite, images, packs, undisturbed, tmp_cache, tmp_path, name):
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, images=images, protocol="both")
    before = (run / name).read_bytes()
    with pytest.raises(StorageError), largest_file(int(0.6 * len(before))):
        run_here(suite, packs, run, tmp_cache, images=images, protocol="both")
    assert (run / name).read_bytes() == before
    run_here(suite, packs, run, tmp_cache, images=images, protocol="both")
    assert_same_numbers(run, undisturbed)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of its own, 64 KiB, that `mount -o remount,size=` enlarges."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not is_root()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode
    ):
        pytest.skip("mounting a small disk is not allowed here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_that_says_what_to_do(suite, images, packs, undisturbed, small_disk):
    run, cache = small_disk / "run", small_disk / "cache"
    wanted = flags(suite, packs, run, cache, images=images, protocol="both")
    for size in ("64k", "400k"):
        resize(small_disk, size)
        line = error_line(idbench("run", "--quiet", *options(wanted)))
        assert "no space left" in line and str(small_disk) in line and "run the same command again" in line
        assert_whole(run)
    resize(small_disk, "64m")
    assert idbench("run", "--quiet", *options(wanted)).returncode == 0
    assert_same_numbers(run, undisturbed)


@pytest.mark.slow
def test_a_disk_that_fills_up_takes_no_finished_run(suite, images, packs, undisturbed, small_disk):
    resize(small_disk, "64m")
    run, cache = small_disk / "run", small_disk / "cache"
    run_here(suite, packs, run, cache, images=images, protocol="both")
    whole = {name: (run / name).read_bytes() for name in ARTEFACTS[1:]}
    for left in (0, 8192, 65_536):
        filler = small_disk / "filler"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        filler.write_bytes(bytes(max(0, free - left)))
        with pytest.raises(IdbenchError, match="no space left"):
            run_here(suite, packs, run, cache, images=images, protocol="both")
        filler.unlink()
        assert all((run / name).read_bytes() == data for name, data in whole.items() if name.endswith("parquet"))
        assert_whole(run)
    run_here(suite, packs, run, cache, images=images, protocol="both")
    assert_same_numbers(run, undisturbed)


def test_a_directory_in_use_is_refused_at_once(suite, packs, tmp_cache, tmp_path):
    with exclusive_lock(tmp_path / "run"):
        line = error_line(idbench("run", "--quiet", *options(flags(suite, packs, tmp_path / "run", tmp_cache))))
    assert "in use by another idbench run" in line and str(os.getpid()) in line
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".lock"]


@pytest.mark.slow
def test_the_second_of_two_runs_in_one_directory_is_refused_and_the_first_finishes(
    suite, images, packs, undisturbed, tmp_path
):
    run, cache = tmp_path / "run", tmp_path / "cache"
    wanted = options(flags(suite, packs, run, cache, images=images, protocol="both"))
    first = start("run", *wanted)
    wait_for(lambda: any(cache.rglob("*.npz")), first)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        line = error_line(idbench("run", "--quiet", *wanted))
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert f"process {first.pid}" in line
    assert first.wait(timeout=60) == 0
    assert_same_numbers(run, undisturbed)


@pytest.mark.slow
def test_two_runs_that_share_a_cache_both_finish_with_the_same_numbers(suite, images, packs, undisturbed, tmp_path):
    runs = [tmp_path / "one", tmp_path / "two"]
    wanted = {"images": images, "protocol": "both"}
    children = [start("run", *options(flags(suite, packs, run, tmp_path / "cache", **wanted))) for run in runs]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    for run in runs:
        assert_same_numbers(run, undisturbed)
