"""The synthetic suite on disk: photos that survive what happens to disks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import SuiteError
from idbench.images import decode
from idbench.records import Case
from idbench.suites import Suite, SuiteIndex, index_case, open_suite, synthetic
from idbench.synthetic.plans import CasePlan, plan_cases, render_reference, render_target

CASES = 6
"""Of the suites rendered here; people: 1, 2, 1, 3, 1, 4."""


def fingerprint(suite: Suite) -> str:
    index = SuiteIndex()
    for case in suite.cases():
        index.add(index_case(case))
    return index.fingerprint


@pytest.fixture(scope="module")
def few() -> Iterator[None]:
    """The small suite made smaller."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthetic.SIZES, "small", CASES)
        yield


@pytest.fixture(scope="module")
def folder(few, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "suite"
    assert len(list(synthetic.open_suite(folder=folder).cases())) == CASES
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A rendered suite to be spoilt."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[Case]:
    return list(synthetic.open_suite(folder=folder).cases())


def test_cases_say_what_the_plans_say(cases: list[Case]):
    for case, plan in zip(cases, plan_cases(CASES), strict=True):
        assert (case.id, case.prompt, case.subset, case.truth) == (plan.id, plan.prompt, plan.subset, plan)
        assert [person.identity for person in case.people] == [person.label for person in plan.people]
        assert [len(person.references) for person in case.people] == [len(p.references) for p in plan.people]


def test_photos_are_the_rendered_ones_and_boxes_hold_their_faces(cases: list[Case]):
    for case in cases:
        target = render_target(case.truth)
        np.testing.assert_array_equal(decode(case.target.read()), target.pixels)
        assert target.pixels.shape[:2] == (case.truth.height, case.truth.width)
        for person, face in zip(case.people, target.faces, strict=True):
            np.testing.assert_allclose(person.box, face.box, atol=0.01)
            x1, y1, x2, y2 = person.box
            assert 0 <= x1 < x2 <= case.truth.width and 0 <= y1 < y2 <= case.truth.height
            assert ((face.landmarks > (x1, y1)) & (face.landmarks < (x2, y2))).all()
            assert face.visible > 0.99
        for person, planned in zip(case.people, case.truth.people, strict=True):
            shown = render_reference(planned, len(planned.references) - 1)
            np.testing.assert_array_equal(decode(person.references[-1].read()), shown.pixels)
        boxes = sorted(person.box for person in case.people)
        assert all(left[2] < right[0] for left, right in pairwise(boxes))


def test_a_rendered_suite_is_not_rendered_again(folder: Path, cases: list[Case], monkeypatch):
    monkeypatch.setattr(synthetic, "render_target", None)
    assert list(synthetic.open_suite(folder=folder).cases()) == cases


def test_the_folder_is_a_suite_for_anybody(folder: Path):
    ordinary = open_suite(str(folder))
    assert not ordinary.rendered and ordinary.count == CASES
    assert all(case.truth is None for case in ordinary.cases())
    assert fingerprint(ordinary) == fingerprint(synthetic.open_suite(folder=folder))
    truths = [CasePlan.model_validate_json(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    assert truths == plan_cases(CASES)


def test_the_manifest_comes_last(few, tmp_path: Path):
    cases = synthetic.open_suite(folder=tmp_path).cases()
    next(cases)
    cases.close()
    assert list(tmp_path.glob("*/case.json")) and not (tmp_path / "cases.jsonl").exists()


@pytest.mark.parametrize("damage", ["cut", "emptied", "gone", "record gone", "record cut"])
def test_what_is_damaged_is_rendered_again(folder: Path, copy: Path, damage: str):
    first = copy / "s0002"
    photo = first / "person-2-reference-1.png"
    if damage == "gone":
        photo.unlink()
    elif damage == "record gone":
        (first / "case.json").unlink()
    elif damage == "record cut":
        (first / "case.json").write_bytes((first / "case.json").read_bytes()[:-9])
    else:
        photo.write_bytes(photo.read_bytes()[: 0 if damage == "emptied" else 5000])
    untouched = (copy / "s0001" / "target.png").stat().st_mtime_ns
    assert fingerprint(synthetic.open_suite(folder=copy)) == fingerprint(synthetic.open_suite(folder=folder))
    assert (copy / "s0001" / "target.png").stat().st_mtime_ns == untouched
    assert photo.read_bytes() == (folder / "s0002" / photo.name).read_bytes()


READ_SLOWLY = """
import sys
from pathlib import Path
from idbench.suites import synthetic
synthetic.SIZES["small"] = int(sys.argv[2])
for case in synthetic.open_suite(folder=Path(sys.argv[1])).cases(): pass
"""


def test_killed_while_rendering_it_goes_on_where_it_was(folder: Path, few, tmp_path: Path):
    root = tmp_path / "suite"
    child = subprocess.Popen([sys.executable, "-c", READ_SLOWLY, str(root), str(CASES)])
    ends = time.monotonic() + 60
    while len(done := list(root.glob("*/case.json"))) < 2 and child.poll() is None:
        assert time.monotonic() < ends
        time.sleep(0.003)
    child.kill()
    assert child.wait() != 0, "it was to be killed before its end"
    assert not (root / "cases.jsonl").exists()
    finished = {path.parent: (path.parent / "target.png").stat().st_mtime_ns for path in done}
    assert fingerprint(synthetic.open_suite(folder=root)) == fingerprint(synthetic.open_suite(folder=folder))
    assert all((case / "target.png").stat().st_mtime_ns == then for case, then in finished.items())
    assert (root / "cases.jsonl").read_bytes() == (folder / "cases.jsonl").read_bytes()


def test_size_seed_and_spread_have_folders_and_names_of_their_own():
    specs = ["synthetic", "synthetic:medium", "synthetic:small?seed=3", "synthetic:small?spread=1", "synthetic:?seed=4"]
    suites = [open_suite(spec) for spec in specs]
    assert len({suite.source for suite in suites}) == len(suites)
    assert [suite.count for suite in suites[:2]] == [synthetic.SIZES["small"], synthetic.SIZES["medium"]]
    assert suites[2].name == "synthetic:small?seed=3" and suites[0].name == "synthetic:small"
    assert open_suite("synthetic:small").source == suites[0].source
    assert all(suite.rendered for suite in suites)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("synthetic:tiny", "size: expected small, medium or large, found 'tiny'"),
        ("synthetic:small?sed=3", "did you mean 'seed'?"),
        ("synthetic:small?seed=x", "seed: expected an integer, found 'x'"),
        ("synthetic:small?spread=-1", "spread: expected more than 0 and at most 3, found '-1'"),
        ("synthetc", "did you mean 'synthetic'?"),
    ],
)
def test_a_suite_that_cannot_be_made(spec: str, expected: str):
    with pytest.raises(Exception, match=re.escape(expected)) as refused:
        open_suite(spec)
    assert isinstance(refused.value, SuiteError) or spec == "synthetc"
    assert "\n" not in str(refused.value)


def test_a_folder_of_the_same_name_hides_the_suite_only_if_it_holds_one(folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "synthetic").mkdir()
    assert open_suite("synthetic").rendered
    (tmp_path / "synthetic" / "cases.jsonl").write_bytes((folder / "cases.jsonl").read_bytes())
    assert not open_suite("synthetic").rendered


def test_a_folder_that_holds_another_suite_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(synthetic.SIZES, "small", 2)
    ids = [case.id for case in synthetic.open_suite("small", folder=tmp_path).cases()]
    before = (tmp_path / ids[0] / "target.png").read_bytes()
    with pytest.raises(SuiteError, match=r"holds synthetic:small, not this synthetic:small\?seed=3"):
        list(synthetic.open_suite("small?seed=3", folder=tmp_path).cases())
    assert (tmp_path / ids[0] / "target.png").read_bytes() == before
    assert [case.id for case in synthetic.open_suite("small", folder=tmp_path).cases()] == ids
