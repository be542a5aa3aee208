"""Cases made of people who never lived: who is in them, what the prompt asks for, what each photo shows.

A plan holds everything a case's photos are drawn from, and so the whole truth about them. People come in
small circles that meet in one to three cases; nobody belongs to two circles.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import NamedTuple

import numpy as np
from pydantic import Field

from idbench.schema import Record
from idbench.synthetic.appearance import (
    Appearance,
    Background,
    Camera,
    Description,
    Style,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
    sample_style,
)
from idbench.synthetic.identity import SPREAD, Identity, sample_identities, sibling
from idbench.synthetic.rendering import Picture, Place, Sitter, render
from idbench.synthetic.substreams import substream
from idbench.synthetic.wording import prompt_for

__all__ = [
    "PLAN_VERSION",
    "VARIATION",
    "CasePlan",
    "PersonPlan",
    "Shot",
    "plan_cases",
    "render_reference",
    "render_target",
]

PLAN_VERSION = 1
"""Raise it when the same arguments give other plans."""

VARIATION = 1.0
"""How widely photos of one description differ; tuned so that a person's photos are as unlike as real ones."""

SIZES = (1, 2, 1, 3, 1, 4, 1, 2, 1, 1, 2, 1, 3, 1, 2, 1, 4, 1, 2, 3)
"""People per case, over and over: half the cases show one person, a quarter two, the others three or four."""

MEETINGS = (1, 2, 1, 1, 3, 1, 2, 1)
"""Cases per circle, over and over."""

EVERY_SIBLING = 6
"""Every so many-th person is a sibling of the one before."""

WIDTHS = {1: 256, 2: 384, 3: 512, 4: 640}
"""Width of the target in pixels by number of people."""

HEIGHT = 256


class Shot(Record):
    """One reference photo: a portrait of one person."""

    appearance: Appearance
    background: Background
    camera: Camera
    place: Place = Place()


class PersonPlan(Record):
    """One person of a case.

    `label` names the identity across cases. `appearance` is how the person looks in the target, one of
    the photos that fit `description`; `place` is where.
    """

    label: str
    identity: Identity
    description: Description
    references: tuple[Shot, ...] = Field(min_length=1)
    appearance: Appearance
    place: Place


class CasePlan(Record):
    """One case: its people from left to right, the prompt, and the target photo."""

    id: str
    prompt: str
    subset: str
    people: tuple[PersonPlan, ...] = Field(min_length=1)
    background: Background
    camera: Camera
    width: int
    height: int


class _Member(NamedTuple):
    """One person of a circle, and how they usually look."""

    label: str
    identity: Identity
    style: Style


def plan_cases(count: int, seed: int = 0, spread: float = SPREAD) -> list[CasePlan]:
    """`count` cases; the same arguments give the same plans.

    spread : how unlike the people are, as in `sample_identities`.
    """
    sizes = list(islice(cycle(SIZES), count))
    circles = _circles(sizes)
    members = iter(_members(sum(max(circle) for circle in circles), seed, spread))
    plans: list[CasePlan] = []
    for circle in circles:
        present = list(islice(members, max(circle)))
        for size in circle:
            rng = substream("case", seed, len(plans))
            chosen = [present[i] for i in rng.permutation(len(present))[:size]]
            plans.append(_plan(f"s{len(plans) + 1:04d}", chosen, rng))
    return plans


def _circles(sizes: Sequence[int]) -> list[list[int]]:
    """Consecutive cases that one circle shares; the largest needs everybody, so it connects the others."""
    rest = iter(sizes)
    circles = (list(islice(rest, meetings)) for meetings in cycle(MEETINGS))
    found = []
    while circle := next(circles):
        found.append(circle)
    return found


def _members(count: int, seed: int, spread: float) -> list[_Member]:
    rng = substream("people", seed, count)
    people = sample_identities(count, rng, spread)
    for i in range(EVERY_SIBLING - 1, count, EVERY_SIBLING):
        people[i] = sibling(people[i - 1], people[i])
    return [_Member(f"person-{i + 1:04d}", person, sample_style(person, rng)) for i, person in enumerate(people)]


def _plan(case_id: str, members: Sequence[_Member], rng: np.random.Generator) -> CasePlan:
    size = len(members)
    descriptions = _descriptions(members, rng)
    looks = [sample_appearance(description, rng, VARIATION) for description in descriptions]
    people = [
        PersonPlan(
            label=member.label,
            identity=member.identity,
            description=description,
            references=tuple(_shot(member, description, rng) for _ in range(1 + (rng.random() < 0.2))),
            appearance=look.model_copy(update={"light": looks[0].light}),
            place=place,
        )
        for member, description, look, place in zip(members, descriptions, looks, _places(size, rng), strict=True)
    ]
    return CasePlan(
        id=case_id,
        prompt=prompt_for([(person.identity, person.description) for person in people], rng),
        subset=f"p{min(size, 3)}",
        people=tuple(people),
        background=sample_background(rng),
        camera=sample_camera(rng),
        width=WIDTHS[size],
        height=HEIGHT,
    )


def _descriptions(members: Sequence[_Member], rng: np.random.Generator) -> list[Description]:
    """What the prompt says about each: the same light for all."""
    drawn = [sample_description(member.identity, rng, _worn(member, rng)) for member in members]
    light = {"lighting": drawn[0].lighting, "warmth": drawn[0].warmth}
    return [description.model_copy(update=light) for description in drawn]


def _worn(member: _Member, rng: np.random.Generator) -> Style:
    """A person's usual style in other clothes; now and then other hair, beard, glasses, make-up or a hat."""
    other = sample_style(member.identity, rng)
    changes: dict[str, object] = {"clothes": other.clothes, "hat": other.hat, "hat_colour": other.hat_colour}
    for share, names in (
        (0.15, ("hair", "fringe", "parting", "hair_length")),
        (0.15, ("beard",)),
        (0.2, ("glasses", "glasses_colour")),
        (0.4, ("lipstick", "lipstick_colour", "eye_shadow", "eye_shadow_colour", "blush")),
    ):
        if rng.random() < share:
            changes |= {name: getattr(other, name) for name in names}
    return member.style.model_copy(update=changes)


def _shot(member: _Member, target: Description, rng: np.random.Generator) -> Shot:
    """A photo of another moment than the target: other mood, direction and light, anything else as it comes."""
    while True:
        description = sample_description(member.identity, rng, _worn(member, rng))
        if all(getattr(description, name) != getattr(target, name) for name in ("mood", "direction", "lighting")):
            break
    return Shot(
        appearance=sample_appearance(description, rng, VARIATION),
        background=sample_background(rng),
        camera=sample_camera(rng),
        place=_places(1, rng)[0],
    )


def _places(size: int, rng: np.random.Generator) -> list[Place]:
    """Heads side by side, none before another."""
    head = (0.54, 0.46, 0.45, 0.44)[size - 1]
    return [
        Place(
            x=(i + 0.5) / size + float(rng.uniform(-0.07, 0.07)) / (2 * size - 1),
            y=0.5 + float(rng.uniform(-0.03, 0.03)),
            head=head + float(rng.uniform(-0.03, 0.03)),
        )
        for i in range(size)
    ]


def render_target(plan: CasePlan) -> Picture:
    """The target photo; its faces in the order of the people."""
    sitters = [Sitter(person.identity, person.appearance, person.place) for person in plan.people]
    return render(sitters, plan.background, plan.camera, plan.width, plan.height)


def render_reference(person: PersonPlan, i: int = 0) -> Picture:
    """Reference photo `i` of a person."""
    shot = person.references[i]
    return render([Sitter(person.identity, shot.appearance, shot.place)], shot.background, shot.camera, HEIGHT, HEIGHT)
