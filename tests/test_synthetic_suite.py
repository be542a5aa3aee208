"""Synthetic cases: plans that hold together, prompts that tell the truth, photos that survive what happens to disks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import numpy as np
import pytest
from helpers import error_line, idbench

from idbench.errors import SuiteError
from idbench.images import decode
from idbench.records import Case
from idbench.suites import Suite, SuiteIndex, index_case, open_suite, synthetic
from idbench.synthetic import SPREAD, distance
from idbench.synthetic.plans import CasePlan, PersonPlan, plan_cases, render_reference, render_target

PLANS = plan_cases(200)
PEOPLE = [(plan, person) for plan in PLANS for person in plan.people]
CASES = 6
"""Of the suites rendered here; people: 1, 2, 1, 3, 1, 4."""


def fingerprint(suite: Suite) -> str:
    index = SuiteIndex()
    for case in suite.cases():
        index.add(index_case(case))
    return index.fingerprint


# plans


def test_plans_are_the_same_every_time_and_survive_json():
    assert plan_cases(200) == PLANS
    assert [CasePlan.model_validate_json(plan.model_dump_json()) for plan in PLANS] == PLANS
    assert plan_cases(20, seed=1) != plan_cases(20)


def test_half_the_cases_show_one_person_and_none_more_than_four():
    sizes = Counter(len(plan.people) for plan in PLANS)
    assert sizes[1] == len(PLANS) / 2 and sizes[2] == len(PLANS) / 4
    assert set(sizes) == {1, 2, 3, 4} and sizes[3] > sizes[4] > 10
    assert {(len(plan.people), plan.subset) for plan in PLANS} == {(1, "p1"), (2, "p2"), (3, "p3"), (4, "p3")}
    assert len({plan.id for plan in PLANS}) == len(PLANS)


def test_a_label_is_one_person_who_is_met_again_by_the_same_few():
    by_label: dict[str, list[tuple[CasePlan, PersonPlan]]] = {}
    for plan, person in PEOPLE:
        by_label.setdefault(person.label, []).append((plan, person))
    assert all(len({person.identity for _, person in met}) == 1 for met in by_label.values())
    assert all(len({plan.id for plan, _ in met}) == len(met) <= 3 for met in by_label.values())
    again = [met for met in by_label.values() if len(met) > 1]
    assert len(again) > len(by_label) / 8
    assert all(met[0][1].references != met[1][1].references for met in again)


def test_every_sixth_person_is_a_sibling_of_the_one_before():
    people = {person.label: person.identity for _, person in PEOPLE}
    by_number = [people[label] for label in sorted(people)]
    apart = [distance(a, b) for a, b in pairwise(by_number)]
    siblings = apart[4::6]
    strangers = [d for i, d in enumerate(apart) if i % 6 != 4]
    assert max(siblings) < min(strangers)
    assert all(by_number[i].is_woman == by_number[i + 1].is_woman for i in range(4, len(by_number) - 1, 6))


def test_spread_says_how_unlike_people_are():
    def apart(spread: float) -> float:
        people = [person.identity for plan in plan_cases(30, spread=spread) for person in plan.people]
        return median(distance(a, b) for a in people[:20] for b in people[20:])

    assert apart(0.4) < apart(SPREAD) < apart(2.0)


def test_references_show_another_moment_than_the_target():
    def turned(person: PersonPlan, look) -> bool:
        return abs(look.pose.yaw - person.appearance.pose.yaw) + abs(look.pose.pitch - person.appearance.pose.pitch) > 6

    shots = [(person, shot) for _, person in PEOPLE for shot in person.references]
    assert mean(turned(person, shot.appearance) for person, shot in shots) > 0.9
    assert mean(abs(s.appearance.light.azimuth - p.appearance.light.azimuth) > 5 for p, s in shots) > 0.85
    assert all(shot.background.seed != plan.background.seed for plan, p in PEOPLE for shot in p.references)
    kept = mean(shot.appearance.style.hair == person.appearance.style.hair for person, shot in shots)
    assert 0.7 < kept < 0.99
    assert 0.1 < mean(len(person.references) == 2 for _, person in PEOPLE) < 0.3


def test_the_light_of_a_target_is_shared():
    assert all(len({person.appearance.light for person in plan.people}) == 1 for plan in PLANS)
    assert all(len({person.description.lighting for person in plan.people}) == 1 for plan in PLANS)


# prompts, read back with words of the test's own

HAIR = {
    "black": (0, 0.2),
    "dark brown": (0.15, 0.4),
    "brown": (0.35, 0.56),
    "red": (0.5, 0.72),
    "blond": (0.68, 0.86),
    "grey": (0.82, 0.96),
    "white": (0.94, 1),
}
PLACES = {
    1: [""],
    2: ["on the left", "on the right"],
    3: ["on the left", "in the middle", "on the right"],
    4: ["on the far left", "left of the middle", "right of the middle", "on the far right"],
}


def clauses(plan: CasePlan) -> list[str]:
    """What the prompt says of each person, from left to right."""
    prompt = plan.prompt.lower()
    if len(plan.people) == 1:
        return [prompt]
    parts = [
        part for part in re.split(r"[;:]|light, |light from [a-z ]+, ", prompt) if re.search(r"\b(wo)?man\b", part)
    ]
    assert len(parts) == len(plan.people), plan.prompt
    found = [part for place in PLACES[len(parts)] for part in parts if place in part]
    assert found == parts, plan.prompt
    return [part.replace(place, "") for place, part in zip(PLACES[len(parts)], parts, strict=True)]


TOLD = [(clause, person) for plan in PLANS for clause, person in zip(clauses(plan), plan.people, strict=True)]


def told(pattern: str) -> list[PersonPlan]:
    found = [person for clause, person in TOLD if re.search(rf"\b(?:{pattern})\b", clause)]
    assert found, pattern
    return found


def untold(pattern: str) -> list[PersonPlan]:
    return [person for clause, person in TOLD if not re.search(rf"\b(?:{pattern})\b", clause)]


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("laugh(s|ing)", lambda face: face.smile > 0.6 and face.mouth_open > 0.12),
        ("smil(es|ing)", lambda face: face.smile > 0.4),
        ("talk(s|ing)", lambda face: face.mouth_open > 0.15),
        ("surprised", lambda face: face.brows_raised > 0.5 and face.mouth_open > 0.3),
        ("frown(s|ing)", lambda face: face.frown > 0.5),
        ("closed eyes", lambda face: face.eyes_closed > 0.7),
    ],
)
def test_a_mood_in_the_prompt_is_in_the_face(pattern, shown):
    """Photos of one description differ, so a few faces may stray past the middle between two moods."""
    assert mean(shown(person.appearance.expression) for person in told(pattern)) > 0.95
    if pattern not in ("smil(es|ing)", "talk(s|ing)"):  # laughing is smiling too
        assert mean(shown(person.appearance.expression) for person in untold(pattern)) < 0.02


def test_a_calm_face_is_calm():
    faces = [person.appearance.expression for person in told("calm")]
    assert mean(face.smile < 0.4 and face.mouth_open < 0.1 and face.eyes_closed < 0.4 for face in faces) > 0.95


@pytest.mark.parametrize(
    ("pattern", "measure"),
    [
        ("(looking to the|facing) left", lambda pose: -pose.yaw),
        ("(looking to the|facing) right", lambda pose: pose.yaw),
        ("(looking|facing) up", lambda pose: pose.pitch),
        ("(looking|facing) down", lambda pose: -pose.pitch),
        ("facing the camera", lambda pose: 30 - abs(pose.yaw)),
    ],
)
def test_directions_are_the_viewers(pattern, measure):
    """`measure` is large where the words hold; chance moves a pose, yet seldom past the average of the others."""
    with_words = [measure(person.appearance.pose) for person in told(pattern)]
    without = [measure(person.appearance.pose) for person in untold(pattern)]
    assert mean(with_words) > mean(without) + 8 and mean(value > mean(without) for value in with_words) > 0.9


def test_every_person_has_one_mood_and_one_direction():
    moods = r"\b(calm|laugh|smil|talk|surprised|frown|dream)"
    directions = r"\b(facing (the camera|left|right|up|down)|looking (up|down|to the (left|right)))"
    assert all(len(re.findall(moods, clause)) == len(re.findall(directions, clause)) == 1 for clause, _ in TOLD)


def test_looks_in_the_prompt_are_the_looks_of_the_target():
    for clause, person in TOLD:
        style, who = person.appearance.style, person.identity
        assert ("woman" in clause) == who.is_woman
        assert bool(re.search("glasses", clause)) == (style.glasses != "none")
        assert ("thick-rimmed" in clause) == (style.glasses == "thick")
        assert ("full beard" in clause) == (style.beard == "full")
        assert ("moustache" in clause) == (style.beard == "moustache")
        assert ("stubble" in clause) == (style.beard == "stubble")
        assert ("a hat" in clause) == style.hat
        assert ("shaved head" in clause) == (style.hair == "shaved")
        assert bool(re.search(r"\bbob\b", clause)) == (style.hair == "bob")
        assert bool(re.search(r"\blong .*hair", clause)) == (style.hair == "long")
        assert ("a fringe" in clause) == (style.fringe and style.hair != "shaved")
        assert "young" not in clause or who.age < 0.3
        assert "elderly" not in clause or who.age > 0.7
        if style.hair != "shaved":
            (name,) = re.findall(r"(black|dark brown|brown|red|blond|grey|white) (?:hair|bob)", clause)
            low, high = HAIR[name]
            assert low <= who.hair_tone <= high


def test_light_in_the_prompt_is_the_light_of_the_target():
    sides = {"left": lambda a: a < -25, "right": lambda a: a > 25, "the front": lambda a: abs(a) < 30}
    said = Counter()
    for plan in PLANS:
        light, prompt = plan.people[0].appearance.light, plan.prompt.lower()
        (words,) = re.findall(
            r"((?:soft |dim )?(?:warm |cold )?light(?: from (?:the left|the right|the front|above))?)", prompt
        )
        said[words] += 1
        assert ("warm" in words) == (light.warmth > 0.4), plan.prompt
        assert ("cold" in words) == (light.warmth < -0.4), plan.prompt
        for side, holds in sides.items():
            assert f"from {side}" not in words.replace("the left", "left").replace("the right", "right") or holds(
                light.azimuth
            )
        assert ("above" in words) == (light.elevation > 44), plan.prompt
        assert ("soft" in words) == (light.ambient > 0.6), plan.prompt
    assert len(said) > 12


def test_prompts_are_sentences_of_many_forms():
    prompts = [plan.prompt for plan in PLANS]
    assert all(re.fullmatch(r"[A-Z][a-z0-9 ,;:-]+\.", prompt) for prompt in prompts)
    assert not any(re.search(r",,|;,|, ?;|  | a [aeiou]", prompt) for prompt in prompts)
    assert len(set(prompts)) > 0.95 * len(prompts)


# the suite on disk


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
        ("synthetic:tiny", "'small', 'medium' or 'large'"),
        ("synthetic:small?sed=3", "did you mean 'seed'?"),
        ("synthetic:small?seed=x", "valid integer"),
        ("synthetic:small?spread=-1", "greater than 0"),
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


def test_only_the_synthetic_suite_can_be_made(tmp_path: Path):
    line = error_line(idbench("suites", "make", "multiid-bench", "--out", tmp_path))
    assert "synthetic:medium" in line
    listed = idbench("suites", "list", "--json")
    assert json.loads(listed.stdout)["synthetic"]["licence"] == synthetic.LICENCE


def test_a_folder_that_holds_another_suite_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(synthetic.SIZES, "small", 2)
    ids = [case.id for case in synthetic.open_suite("small", folder=tmp_path).cases()]
    before = (tmp_path / ids[0] / "target.png").read_bytes()
    with pytest.raises(SuiteError, match=r"holds synthetic:small, not this synthetic:small\?seed=3"):
        list(synthetic.open_suite("small?seed=3", folder=tmp_path).cases())
    assert (tmp_path / ids[0] / "target.png").read_bytes() == before
    assert [case.id for case in synthetic.open_suite("small", folder=tmp_path).cases()] == ids
