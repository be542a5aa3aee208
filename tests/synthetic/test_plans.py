"""Plans of synthetic cases that hold together."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import mean, median

import pytest

from idbench.synthetic import SPREAD, distance
from idbench.synthetic.plans import CasePlan, PersonPlan, plan_cases


@pytest.fixture(scope="module")
def people(plans) -> list[tuple[CasePlan, PersonPlan]]:
    """Everybody, with the plan they are in."""
    return [(plan, person) for plan in plans for person in plan.people]


def test_plans_are_the_same_every_time_and_survive_json(plans):
    assert plan_cases(200) == plans
    assert [CasePlan.model_validate_json(plan.model_dump_json()) for plan in plans] == plans
    assert plan_cases(20, seed=1) != plan_cases(20)


def test_half_the_cases_show_one_person_and_none_more_than_four(plans):
    sizes = Counter(len(plan.people) for plan in plans)
    assert sizes[1] == len(plans) / 2 and sizes[2] == len(plans) / 4
    assert set(sizes) == {1, 2, 3, 4} and sizes[3] > sizes[4] > 10
    assert {(len(plan.people), plan.subset) for plan in plans} == {(1, "p1"), (2, "p2"), (3, "p3"), (4, "p3")}
    assert len({plan.id for plan in plans}) == len(plans)


def test_a_label_is_one_person_who_is_met_again_by_the_same_few(people):
    by_label: dict[str, list[tuple[CasePlan, PersonPlan]]] = {}
    for plan, person in people:
        by_label.setdefault(person.label, []).append((plan, person))
    assert all(len({person.identity for _, person in met}) == 1 for met in by_label.values())
    assert all(len({plan.id for plan, _ in met}) == len(met) <= 3 for met in by_label.values())
    again = [met for met in by_label.values() if len(met) > 1]
    assert len(again) > len(by_label) / 8
    assert all(met[0][1].references != met[1][1].references for met in again)


def test_every_sixth_person_is_a_sibling_of_the_one_before(people):
    identities = {person.label: person.identity for _, person in people}
    by_number = [identities[label] for label in sorted(identities)]
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


def test_references_show_another_moment_than_the_target(people):
    def turned(person: PersonPlan, look) -> bool:
        return abs(look.pose.yaw - person.appearance.pose.yaw) + abs(look.pose.pitch - person.appearance.pose.pitch) > 6

    shots = [(person, shot) for _, person in people for shot in person.references]
    assert mean(turned(person, shot.appearance) for person, shot in shots) > 0.9
    assert mean(abs(s.appearance.light.azimuth - p.appearance.light.azimuth) > 5 for p, s in shots) > 0.85
    assert all(shot.background.seed != plan.background.seed for plan, p in people for shot in p.references)
    kept = mean(shot.appearance.style.hair == person.appearance.style.hair for person, shot in shots)
    assert 0.7 < kept < 0.99
    assert 0.1 < mean(len(person.references) == 2 for _, person in people) < 0.3


def test_the_light_of_a_target_is_shared(plans):
    assert all(len({person.appearance.light for person in plan.people}) == 1 for plan in plans)
    assert all(len({person.description.lighting for person in plan.people}) == 1 for plan in plans)
