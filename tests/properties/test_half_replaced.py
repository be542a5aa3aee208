"""A finished run that is made anew with other settings and killed at any write is the old one, refused, or the new."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.comparing import assert_same_numbers
from support.runs import run_here
from support.suites import real_cases, write_suite

from idbench.api import Run
from idbench.errors import RunError
from idbench.report import write_comparison, write_report

pytestmark = pytest.mark.slow
OLD = {"level": 0.9, "protocol": "strict"}
NEW = {"level": 0.8, "protocol": "both"}


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def told(real_suite: Path, packs: Path, tmp_cache: Path, tmp_path_factory):
    """Makes a run of two cases with some settings; old settings have another model than new ones."""
    root = tmp_path_factory.mktemp("half")
    cases = real_cases(real_suite, (1, 2))
    suite = write_suite(root / "suite", cases)
    (root / "images").mkdir()
    for case in cases:
        (root / "images" / f"{case.id}.jpg").write_bytes(case.target.read())

    def make(out: Path, settings) -> Path:
        model = {"before" if settings is OLD else "after": str(root / "images")}
        return run_here(suite, packs, out, tmp_cache, images=model, oracles=False, gallery=2, **settings)

    make(root / "old", OLD)
    make(root / "new", NEW)
    return root, make


def killed_at(writes: int, before: bool, monkeypatch: pytest.MonkeyPatch, make) -> bool:
    """Whether the run was killed, just before or just after it put a file in place that many times."""
    left = [writes]
    replace = Path.replace

    def counted(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0 and before:
            raise Killed
        done = replace(path, target)
        if left[0] == 0:
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        try:
            make()
        except Killed:
            return True
    return False


def settings_shown(run: Path) -> Iterator[tuple[float, list[str], list[str]]]:
    """Level, models and protocols by each thing that can be read of a run."""
    found = Run(run)
    protocols = sorted(found.scores()["protocol"].unique())
    yield found.record.config.level, sorted(found.record.models), list(found.record.config.protocols)
    yield (
        found.summary.level,
        sorted(found.summary.models),
        list(next(iter(found.summary.recognizers.values())).protocols),
    )
    yield (
        found.summary.level,
        sorted(found.images()["model"].unique()),
        ["strict", "paper"] if len(protocols) > 1 else protocols,
    )


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_write_no_settings_stand_over_other_numbers(told, monkeypatch, tmp_path, before):
    root, make = told
    writes, refused = 0, 0
    while True:
        writes += 1
        run = tmp_path / str(writes)
        shutil.copytree(root / "old", run)
        page = (run / "report.html").read_bytes()
        killed = killed_at(writes, before, monkeypatch, lambda run=run: make(run, NEW))
        same_page = (run / "report.html").read_bytes() == page
        try:
            shown = list(settings_shown(run))
            write_report(run)
        except RunError as error:
            refused += 1
            assert "run the same command again" in str(error) and "\n" not in str(error)
            with pytest.raises(RunError, match="not finished"):
                write_comparison([run, root / "old"], tmp_path / "comparison")
        else:
            is_new = shown[0][0] == NEW["level"]
            expected = (0.8, ["after"], ["strict", "paper"]) if is_new else (0.9, ["before"], ["strict"])
            assert shown == [expected] * 3
            assert is_new != same_page
        if not killed:
            break
        shutil.rmtree(run)
    assert shown[0][0] == NEW["level"] and refused > 20
    assert_same_numbers(run, root / "new")


def test_a_run_killed_half_way_ends_with_the_numbers_of_either_settings(told, monkeypatch, tmp_path):
    root, make = told
    for settings, good in ((NEW, "new"), (OLD, "old")):
        run = tmp_path / good
        shutil.copytree(root / "old", run)
        assert killed_at(6, False, monkeypatch, lambda run=run: make(run, NEW))
        make(run, settings)
        assert_same_numbers(run, root / good)
        assert {path.suffix for path in run.rglob("*") if path.is_file()} >= {".parquet", ".html"}


def test_faces_of_recognizers_that_are_gone_are_deleted(told, packs, tmp_path):
    root, make = told
    run = tmp_path / "run"
    shutil.copytree(root / "old", run)
    (run / "faces" / "gone.parquet").write_bytes((run / "faces" / "mini-a.parquet").read_bytes())
    make(run, OLD)
    assert [path.name for path in (run / "faces").iterdir()] == ["mini-a.parquet"]
