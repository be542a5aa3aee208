"""Simulated models: every dial does what it says and nothing else."""

from __future__ import annotations

from statistics import mean

import numpy as np
import pytest

from idbench.errors import ConfigError
from idbench.models.simulated import PRESETS, WIDEST_YAW, Dials, Scene, imagine, parse_dials, simulate
from idbench.synthetic import distance, mix_identities
from idbench.synthetic.plans import CasePlan, plan_cases

PLANS = plan_cases(300)


GROUPS = [plan for plan in PLANS if len(plan.people) > 1]


ALONE = [plan for plan in PLANS if len(plan.people) == 1]


def scenes(plans: list[CasePlan], **dials: float) -> list[Scene]:
    made = [imagine(plan, Dials.model_validate(dials)) for plan in plans]
    assert all(made)
    return made


def rate_is(found: list[bool], rate: float) -> bool:
    """Within four standard errors of chance."""
    return abs(mean(found) - rate) <= 4 * (rate * (1 - rate) / len(found)) ** 0.5


def test_dials_are_read_from_presets_and_numbers():
    assert parse_dials("copy=0.7, drift=0.2") == Dials(copying=0.7, drift=0.2)
    assert parse_dials("copier") == PRESETS["copier"]
    assert parse_dials("copier,drift=0.3,stream=9") == PRESETS["copier"].model_copy(update={"drift": 0.3, "stream": 9})
    assert all(parse_dials(preset.spec) == preset for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("copi=0.7", "did you mean 'copy'?"),
        ("wobble=1", "known: copy, drift"),
        ("drift=0.3,good", "a preset comes first and every dial once, 'good' does not"),
        ("good,copier", "a preset comes first and every dial once, 'copier' does not"),
        ("drift=0.3,drift=0.4", "every dial once, 'drift' does not"),
        ("copy=1.2", "copy: expected between 0 and 1, found '1.2'"),
        ("fail=-0.1", "fail: expected between 0 and 1, found '-0.1'"),
        ("pose=60", "pose: expected between 0 and 35, found '60'"),
        ("drift=much", "drift: expected a number, found 'much'"),
        ("drift=nan", "drift"),
        ("copyer", "did you mean 'copier'?"),
        ("", "known: good"),
    ],
)
def test_what_is_no_dial_is_refused_in_one_line(spec: str, expected: str):
    with pytest.raises(ConfigError) as refused:
        parse_dials(spec)
    assert expected in str(refused.value) and "\n" not in str(refused.value)


def test_presets_have_random_numbers_of_their_own():
    assert len({preset.stream for preset in PRESETS.values()}) == len(PRESETS)


def test_without_any_dial_the_people_are_as_the_prompt_says():
    for plan, scene in zip(PLANS, scenes(PLANS), strict=True):
        assert scene.shown == tuple(range(len(plan.people)))
        for person, sitter in zip(plan.people, scene.sitters, strict=True):
            assert (sitter.identity, sitter.place) == (person.identity, person.place)
            style, wanted = sitter.appearance.style, person.description.style
            assert (style.hair, style.glasses, style.hat, style.clothes, style.beard) == (
                (wanted.hair, wanted.glasses, wanted.hat, wanted.clothes, wanted.beard)
            )
            assert sitter.appearance != person.appearance
        assert len({sitter.appearance.light for sitter in scene.sitters}) == 1
        assert scene.background != plan.background and scene.camera != plan.camera


def test_copy_moves_the_look_to_the_first_reference_and_leaves_the_face_alone():
    free, half, whole = (scenes(PLANS, copy=share) for share in (0, 0.5, 1))
    for plan, a, b, c in zip(PLANS, free, half, whole, strict=True):
        for i, person in enumerate(plan.people):
            reference = person.references[0].appearance
            assert c.sitters[i].appearance == reference
            for part, name in (("pose", "yaw"), ("expression", "smile"), ("light", "azimuth")):
                ends = [getattr(getattr(s.sitters[i].appearance, part), name) for s in (a, b, c)]
                assert ends[1] == pytest.approx((ends[0] + ends[2]) / 2)
            assert a.sitters[i].identity == b.sitters[i].identity == c.sitters[i].identity == person.identity
        assert a.background == b.background == c.background != plan.people[0].references[0].background


def test_copied_haircuts_come_as_often_as_copy_says():
    taken = []
    for plan, scene in zip(PLANS, scenes(PLANS, copy=0.3), strict=True):
        for person, sitter in zip(plan.people, scene.sitters, strict=True):
            own, reference = person.description.style.clothes, person.references[0].appearance.style
            if person.description.style.hair != reference.hair:
                taken.append(sitter.appearance.style.hair == reference.hair)
            assert sitter.appearance.style.clothes == pytest.approx(
                [0.7 * a + 0.3 * b for a, b in zip(own, reference.clothes, strict=True)]
            )
    assert len(taken) > 30 and rate_is(taken, 0.3)


def test_drift_leads_to_a_stranger_of_the_same_sex():
    away = {share: scenes(PLANS, drift=share) for share in (0.25, 0.5, 1)}
    gone = []
    for number, plan in enumerate(PLANS):
        for i, person in enumerate(plan.people):
            quarter, half, stranger = (away[share][number].sitters[i].identity for share in (0.25, 0.5, 1))
            assert half == mix_identities(person.identity, stranger, 0.5)
            assert 0 < distance(person.identity, quarter) < distance(person.identity, half)
            assert stranger.is_woman == person.identity.is_woman
            gone.append(distance(person.identity, stranger))
        strangers = {sitter.identity for sitter in away[1][number].sitters}
        assert len(strangers) == len(plan.people)
    everybody = list({person.label: person.identity for plan in PLANS for person in plan.people}.values())
    unrelated = [distance(a, b) for a, b in zip(everybody, everybody[50:], strict=False) if a.is_woman == b.is_woman]
    assert mean(gone) == pytest.approx(mean(unrelated), rel=0.05)


def test_blend_leads_to_the_mean_of_the_others():
    for plan, scene in zip(GROUPS, scenes(GROUPS, blend=1), strict=True):
        people = [person.identity for person in plan.people]
        for i, sitter in enumerate(scene.sitters):
            others = [other for j, other in enumerate(people) if j != i]
            assert sitter.identity.nose_width == pytest.approx(mean(other.nose_width for other in others))
            assert sitter.identity.skin_tone == pytest.approx(mean(other.skin_tone for other in others))
    for plan, scene in zip(GROUPS, scenes(GROUPS, blend=0.4), strict=True):
        first, others = plan.people[0].identity, [person.identity for person in plan.people[1:]]
        expected = 0.6 * first.jaw_width + 0.4 * mean(other.jaw_width for other in others)
        assert scene.sitters[0].identity.jaw_width == pytest.approx(expected)
    assert scenes(ALONE, blend=1) == scenes(ALONE)


def test_failures_come_at_their_rate_and_more_of_them_include_the_fewer():
    rates = (0.1, 0.3, 0.7)
    failed = {rate: [imagine(plan, Dials(fail=rate)) is None for plan in PLANS] for rate in rates}
    assert all(rate_is(failed[rate], rate) for rate in rates)
    for fewer, more in ((0.1, 0.3), (0.3, 0.7)):
        assert all(b for a, b in zip(failed[fewer], failed[more], strict=True) if a)
    assert not any(imagine(plan, Dials(fail=0)) is None for plan in PLANS)
    assert all(simulate(plan, Dials(fail=1)).picture is None for plan in PLANS[:3])
    assert simulate(PLANS[0], Dials(fail=1)).error


def test_swapped_people_stand_in_each_others_places():
    swapped = []
    for plan, scene in zip(GROUPS, scenes(GROUPS, swap=0.4), strict=True):
        assert sorted(scene.shown) == list(range(len(plan.people)))
        assert [sitter.place for sitter in scene.sitters] == [person.place for person in plan.people]
        assert [sitter.identity for sitter in scene.sitters] == [plan.people[i].identity for i in scene.shown]
        moved = sum(i != shown for i, shown in enumerate(scene.shown))
        assert moved in (0, 2)
        swapped.append(moved == 2)
    assert rate_is(swapped, 0.4)
    assert all(scene.shown == (0,) for scene in scenes(ALONE, swap=1))


def test_lost_people_are_missing_one_at_a_time():
    lost = []
    for plan, scene in zip(PLANS, scenes(PLANS, lose=0.3), strict=True):
        lost.append(len(scene.sitters) == len(plan.people) - 1)
        assert len(plan.people) - len(scene.sitters) in (0, 1)
        places = [plan.people[i].place for i in scene.shown]
        assert [sitter.place for sitter in scene.sitters] == places
    assert rate_is(lost, 0.3)
    first = [scene.shown[:1] != (0,) for scene in scenes(GROUPS, lose=1)]
    assert 0.2 < mean(first) < 0.6


def test_an_extra_person_stands_in_the_background_and_is_nobody_of_the_case():
    extra = []
    for plan, scene in zip(PLANS, scenes(PLANS, extra=0.3), strict=True):
        extra.append(None in scene.shown)
        if None in scene.shown:
            assert scene.shown == (None, *range(len(plan.people)))
            assert scene.sitters[0].place.head < min(person.place.head for person in plan.people) * 0.75
            assert min(distance(scene.sitters[0].identity, person.identity) for person in plan.people) > 0.7
    assert rate_is(extra, 0.3)


@pytest.mark.parametrize("degrees", [5, 20, 35])
def test_pose_turns_every_head_by_so_much_to_either_side(degrees: float):
    turns = []
    for straight, turned in zip(scenes(PLANS), scenes(PLANS, pose=degrees), strict=True):
        for a, b in zip(straight.sitters, turned.sitters, strict=True):
            turns.append(b.appearance.pose.yaw - a.appearance.pose.yaw)
            assert abs(b.appearance.pose.yaw) <= WIDEST_YAW
            levelled = b.appearance.pose.model_copy(update={"yaw": a.appearance.pose.yaw})
            assert b.appearance.model_copy(update={"pose": levelled}) == a.appearance
    assert np.abs(turns) == pytest.approx(degrees)
    assert 0.3 < mean(turn > 0 for turn in turns) < 0.7


def test_turning_one_dial_leaves_every_other_decision_as_it_was():
    """What comes out of all dials together is what each alone would have decided."""
    together = {"copy": 0.4, "drift": 0.3, "blend": 0.2, "swap": 0.5, "extra": 0.5, "lose": 0.5, "pose": 9, "stream": 3}
    all_scenes = scenes(GROUPS[:50], **together)
    for dial in ("copy", "drift", "blend", "pose"):
        without = scenes(GROUPS[:50], **{name: value for name, value in together.items() if name != dial})
        for one, other in zip(all_scenes, without, strict=True):
            assert (one.shown, one.background, one.camera) == (other.shown, other.background, other.camera)
            assert [s.place for s in one.sitters] == [s.place for s in other.sitters]
            assert one.sitters != other.sitters
            if dial in ("copy", "pose"):
                assert [s.identity for s in one.sitters] == [s.identity for s in other.sitters]
            elif None not in one.shown:
                assert [s.appearance for s in one.sitters] == [s.appearance for s in other.sitters]
    for dial in ("swap", "extra", "lose"):
        without = scenes(GROUPS[:50], **{name: value for name, value in together.items() if name != dial})
        for one, other in zip(all_scenes, without, strict=True):
            faces, others = (
                {shown: (s.identity, s.appearance) for shown, s in zip(scene.shown, scene.sitters, strict=True)}
                for scene in (one, other)
            )
            assert all(faces[who] == others[who] for who in faces.keys() & others.keys())


def test_streams_and_seeds_give_other_images_of_the_same_people():
    for plan in PLANS[:20]:
        images = [imagine(plan, Dials(stream=stream), seed) for stream in (0, 1) for seed in (0, 1)]
        assert len({image.sitters[0].appearance for image in images}) == 4
        assert len({image.sitters[0].identity for image in images}) == 1


@pytest.mark.parametrize("plan", PLANS[:6:5], ids=lambda plan: plan.id)
def test_the_faces_of_the_picture_are_those_that_are_said_to_be_shown(plan: CasePlan):
    for dials in (Dials(), Dials(swap=1), Dials(lose=1), Dials(extra=1)):
        made = simulate(plan, dials)
        again = simulate(plan, dials)
        np.testing.assert_array_equal(made.picture.pixels, again.picture.pixels)
        scene = imagine(plan, dials)
        assert made.shown == again.shown == scene.shown
        assert len(made.picture.faces) == len(made.shown) == len(plan.people) + dials.extra - dials.lose
        for sitter, face in zip(scene.sitters, made.picture.faces, strict=True):
            x = (face.box[0] + face.box[2]) / 2 / plan.width
            assert abs(x - sitter.place.x) < 0.06
            assert face.pose == sitter.appearance.pose and face.visible > 0.9


def test_suites_of_other_people_have_other_luck():
    first, second = ([imagine(plan, Dials(fail=0.5)) is None for plan in plan_cases(60, seed)] for seed in (0, 3))
    assert first != second
