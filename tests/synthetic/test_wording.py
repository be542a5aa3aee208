"""Prompts of synthetic cases tell the truth: read back with words of the test's own."""

from __future__ import annotations

import re
from collections import Counter
from statistics import mean

import pytest

from idbench.synthetic.plans import CasePlan, PersonPlan

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


Described = list[tuple[str, PersonPlan]]


@pytest.fixture(scope="module")
def described(plans) -> Described:
    """What is said of each person, and the person."""
    return [(clause, person) for plan in plans for clause, person in zip(clauses(plan), plan.people, strict=True)]


def told(described: Described, pattern: str) -> list[PersonPlan]:
    found = [person for clause, person in described if re.search(rf"\b(?:{pattern})\b", clause)]
    assert found, pattern
    return found


def untold(described: Described, pattern: str) -> list[PersonPlan]:
    return [person for clause, person in described if not re.search(rf"\b(?:{pattern})\b", clause)]


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
def test_a_mood_in_the_prompt_is_in_the_face(described, pattern, shown):
    """Photos of one description differ, so a few faces may stray past the middle between two moods."""
    assert mean(shown(person.appearance.expression) for person in told(described, pattern)) > 0.95
    if pattern not in ("smil(es|ing)", "talk(s|ing)"):  # laughing is smiling too
        assert mean(shown(person.appearance.expression) for person in untold(described, pattern)) < 0.02


def test_a_calm_face_is_calm(described):
    faces = [person.appearance.expression for person in told(described, "calm")]
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
def test_directions_are_the_viewers(described, pattern, measure):
    """`measure` is large where the words hold; chance moves a pose, yet seldom past the average of the others."""
    with_words = [measure(person.appearance.pose) for person in told(described, pattern)]
    without = [measure(person.appearance.pose) for person in untold(described, pattern)]
    assert mean(with_words) > mean(without) + 8 and mean(value > mean(without) for value in with_words) > 0.9


def test_every_person_has_one_mood_and_one_direction(described):
    moods = r"\b(calm|laugh|smil|talk|surprised|frown|dream)"
    directions = r"\b(facing (the camera|left|right|up|down)|looking (up|down|to the (left|right)))"
    assert all(len(re.findall(moods, clause)) == len(re.findall(directions, clause)) == 1 for clause, _ in described)


def test_looks_in_the_prompt_are_the_looks_of_the_target(described):
    for clause, person in described:
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


def test_light_in_the_prompt_is_the_light_of_the_target(plans):
    sides = {"left": lambda a: a < -25, "right": lambda a: a > 25, "the front": lambda a: abs(a) < 30}
    said = Counter()
    for plan in plans:
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


def test_prompts_are_sentences_of_many_forms(plans):
    prompts = [plan.prompt for plan in plans]
    assert all(re.fullmatch(r"[A-Z][a-z0-9 ,;:-]+\.", prompt) for prompt in prompts)
    assert not any(re.search(r",,|;,|, ?;|  | a [aeiou]", prompt) for prompt in prompts)
    assert len(set(prompts)) > 0.95 * len(prompts)
