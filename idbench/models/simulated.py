"""Models whose faults are known, because they are dialled in: how much they copy, drift, blend, swap or fail.

A simulated model draws the people of a synthetic case as a generator with these faults would. Every random
decision has numbers of its own, named after the case, the seed and the decision: turning one dial leaves
all other decisions as they were, so two dial settings differ by that dial alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from idbench.errors import ConfigError
from idbench.kinds import ListedModel, ModelKind
from idbench.models.base import Generated, Job
from idbench.models.execution import Execution
from idbench.schema import Record, problem_of
from idbench.synthetic.appearance import (
    Appearance,
    Background,
    Camera,
    Light,
    mix_appearances,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
)
from idbench.synthetic.identity import Identity, mix_identities, sample_identities
from idbench.synthetic.plans import PLAN_VERSION, VARIATION, CasePlan
from idbench.synthetic.rendering import RENDER_VERSION, Picture, Place, Sitter, render
from idbench.synthetic.substreams import substream

__all__ = [
    "DIALS",
    "MODEL",
    "ONLY_RENDERED",
    "PRESETS",
    "Dials",
    "Scene",
    "Simulated",
    "SimulatedModel",
    "imagine",
    "open_model",
    "parse_dials",
    "simulate",
]

Share = Annotated[float, Field(ge=0, le=1)]

VERSION = 1
"""Raise it when the same dials give other pictures."""

ONLY_RENDERED = "sim models draw the people of the synthetic suite only; for photos, score images that exist (--images)"

WIDEST_YAW = 35.0
"""Degrees; beyond, detectors begin to lose faces."""


class Dials(Record):
    """What a simulated model does to the people of a case; all 0 is a perfect model.

    Shares say how far, in every image. Rates say in which share of the images something happens.
    """

    model_config = ConfigDict(populate_by_name=True)

    copying: Annotated[Share, Field(validation_alias="copy", serialization_alias="copy")] = 0.0
    """Share of the reference in how a person looks, the rest being what the prompt says. Called `copy` in specs."""
    drift: Share = 0.0
    """Share of a stranger in every face; 1 is somebody else altogether."""
    blend: Share = 0.0
    """Share of the way from each face to the mean of the case's other people; one person alone keeps theirs."""
    fail: Share = 0.0
    """Rate of no image at all."""
    swap: Share = 0.0
    """Rate of two people standing in each other's places; one person alone stays."""
    extra: Share = 0.0
    """Rate of a stranger in the background."""
    lose: Share = 0.0
    """Rate of one person missing."""
    pose: Annotated[float, Field(ge=0, le=WIDEST_YAW)] = 0.0
    """Degrees by which heads are turned left or right beyond what the prompt says."""
    stream: Annotated[int, Field(ge=0)] = 0
    """Chooses the random numbers: models with equal dials and other streams are equally good."""

    @property
    def spec(self) -> str:
        """The dials that are turned, as `parse_dials` reads them."""
        return ",".join(f"{name}={value:g}" for name, value in self.model_dump(by_alias=True).items() if value)


DIALS = {
    "copy": "0..1: share of the reference in how a person looks, the rest being what the prompt says",
    "drift": "0..1: share of a stranger in every face",
    "blend": "0..1: share of the way to the case's other people; half-way two people share one face",
    "fail": "0..1: rate of no image at all",
    "swap": "0..1: rate of two people standing in each other's places",
    "extra": "0..1: rate of a stranger in the background",
    "lose": "0..1: rate of one person missing",
    "pose": "0..35 degrees that heads are turned beyond what the prompt says",
    "stream": "whole number: which random numbers; equal dials in another stream are an equally good model",
}
"""What each dial of a spec does; all are 0 unless given."""

PRESETS = {
    "good": Dials(drift=0.1, stream=1),
    "copier": Dials(copying=0.8, drift=0.3, stream=2),
    "drifter": Dials(drift=0.7, stream=3),
    "failer": Dials(drift=0.1, fail=0.15, lose=0.05, stream=4),
    "blender": Dials(drift=0.4, blend=0.45, stream=5),
    "swapper": Dials(drift=0.2, swap=0.5, extra=0.2, stream=6),
}


def parse_dials(spec: str) -> Dials:
    """Dials from `copy=0.7,drift=0.2`, from a preset's name, or a preset with changes: `good,drift=0.3`.

    Raises `ConfigError`, one line, for unknown names and values out of range.
    """
    values: dict[str, object] = {}
    dials_given: set[str] = set()
    for place, part in enumerate(spec.split(",")):
        word, equals, value = (text.strip() for text in part.partition("="))
        if word in dials_given or (place and word in PRESETS):
            raise ConfigError(f"simulated model '{spec}': a preset comes first and every dial once, '{word}' does not")
        if equals:
            dials_given.add(word)
            values[word] = value
        elif word in PRESETS:
            values |= PRESETS[word].model_dump(by_alias=True)
        else:
            near = difflib.get_close_matches(word, PRESETS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(PRESETS)}, or dials such as copy=0.5"
            raise ConfigError(f"no simulated model is called '{word}'; {hint}")
    try:
        return Dials.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"simulated model '{spec}': {problem_of(error, Dials.model_fields)}") from error


@dataclass(frozen=True)
class Scene:
    """What a simulated model is about to draw. `shown[i]` is the plan's person that `sitters[i]` is meant
    to be, None for a stranger; sitters stand from the back to the front, then from left to right."""

    sitters: tuple[Sitter, ...]
    shown: tuple[int | None, ...]
    background: Background
    camera: Camera


@dataclass(frozen=True)
class Simulated:
    """A simulated model's answer. `picture` is None where it failed; then `error` says so.

    `shown[i]`: the plan's person that `picture.faces[i]` is meant to be, None for a stranger.
    """

    picture: Picture | None
    shown: tuple[int | None, ...] = ()
    error: str | None = None


def simulate(plan: CasePlan, dials: Dials, seed: int = 0) -> Simulated:
    """What a model with these dials draws for a case; the same arguments give the same pixels."""
    scene = imagine(plan, dials, seed)
    if scene is None:
        return Simulated(None, error="simulated failure")
    picture = render(scene.sitters, scene.background, scene.camera, plan.width, plan.height)
    return Simulated(picture, scene.shown)


def imagine(plan: CasePlan, dials: Dials, seed: int = 0) -> Scene | None:
    """All of a simulated image but its pixels; None where the model fails."""
    job = _Job(plan, dials, seed)
    if job.happens("fail", dials.fail):
        return None
    looks = job.looks()
    in_place = job.in_place()
    sitters = [
        Sitter(job.identity(person), looks[person], place)
        for place, person in zip((person.place for person in plan.people), in_place, strict=True)
        if person is not None
    ]
    shown: list[int | None] = [person for person in in_place if person is not None]
    if job.happens("extra", dials.extra):
        sitters.insert(0, job.bystander(looks[0].light))
        shown.insert(0, None)
    return Scene(
        tuple(sitters), tuple(shown), sample_background(job.draw("background")), sample_camera(job.draw("camera"))
    )


class _Job:
    """One image to be made: every decision with random numbers of its own."""

    def __init__(self, plan: CasePlan, dials: Dials, seed: int) -> None:
        self.plan, self.dials, self.seed = plan, dials, seed
        self.size = len(plan.people)

    def draw(self, *decision: str | int) -> np.random.Generator:
        # The background's number stands for the plan: suites of other seeds have cases of the same names.
        case = (self.plan.id, self.plan.background.seed)
        return substream("simulated", self.dials.stream, *case, self.seed, *decision)

    def happens(self, what: str, rate: float) -> bool:
        return bool(self.draw(what).random() < rate)

    def in_place(self) -> list[int | None]:
        """Who stands in each of the plan's places; None where a person is missing."""
        people: list[int | None] = list(range(self.size))
        if self.size > 1 and self.happens("swap", self.dials.swap):
            first, second = self.draw("who is swapped").choice(self.size, 2, replace=False)
            people[first], people[second] = people[second], people[first]
        if self.happens("lose", self.dials.lose):
            people[self.draw("who is lost").integers(self.size)] = None
        return people

    def looks(self) -> list[Appearance]:
        """How each person looks: the prompt's words under one light, mixed with the first reference."""
        fresh = [
            sample_appearance(person.description, self.draw("appearance", i), VARIATION)
            for i, person in enumerate(self.plan.people)
        ]
        light = fresh[0].light
        return [
            self._turned(self._copied(look.model_copy(update={"light": light}), i), i) for i, look in enumerate(fresh)
        ]

    def _copied(self, look: Appearance, person: int) -> Appearance:
        reference = self.plan.people[person].references[0].appearance
        return mix_appearances(look, reference, self.dials.copying, float(self.draw("switch", person).random()))

    def _turned(self, look: Appearance, person: int) -> Appearance:
        """Turned to a side of the job's choice, or to the other where the face would leave the detectors' reach."""
        turn = float(self.draw("turn", person).choice((-1, 1))) * self.dials.pose
        yaw = look.pose.yaw + (turn if abs(look.pose.yaw + turn) <= WIDEST_YAW else -turn)
        return look.model_copy(update={"pose": look.pose.model_copy(update={"yaw": yaw})})

    def identity(self, person: int) -> Identity:
        """Whose face is drawn: the person's, blended with the others', drifted towards a stranger."""
        face = self.plan.people[person].identity
        others = [other.identity for i, other in enumerate(self.plan.people) if i != person]
        if others:
            face = mix_identities(face, _mean(others), self.dials.blend)
        # of two sampled people one is a woman and one a man; hair and beard of the person then fit the stranger
        pair = sample_identities(2, self.draw("stranger", person))
        stranger = next(other for other in pair if other.is_woman == face.is_woman)
        return mix_identities(face, stranger, self.dials.drift)

    def bystander(self, light: Light) -> Sitter:
        """A stranger farther away, in a gap between the people."""
        rng = self.draw("bystander")
        (stranger,) = sample_identities(1, rng)
        look = sample_appearance(sample_description(stranger, rng), rng, VARIATION)
        places = [person.place.x for person in self.plan.people]
        gaps = [(a + b) / 2 for a, b in pairwise(places)] or [0.13, 0.87]
        return Sitter(stranger, look.model_copy(update={"light": light}), Place(float(rng.choice(gaps)), 0.6, 0.27))


def _mean(people: Sequence[Identity]) -> Identity:
    """The person half-way between all of them."""
    return reduce(lambda mean, i: mix_identities(mean, people[i], 1 / (i + 1)), range(1, len(people)), people[0])


class SimulatedModel:
    """Dials as a model: draws what it is told the case was drawn from."""

    card = None
    needs_truth = True
    execution = Execution()

    def __init__(self, name: str, dials: Dials) -> None:
        self.name = name
        self.dials = dials
        self.parameters: Mapping[str, Any] = dials.model_dump(by_alias=True)

    def describe(self) -> dict[str, Any]:
        """Its dials, and the versions of what draws."""
        versions = {"render": RENDER_VERSION, "plans": PLAN_VERSION, "variation": VARIATION, "version": VERSION}
        return {"kind": "simulated", "dials": self.parameters, "versions": versions}

    def load(self, device: str, offload: str = "none") -> None:
        """Nothing to load."""

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """The simulated images of rendered cases; raises `ConfigError` for any other case."""
        return [self._generate(job) for job in jobs]

    def _generate(self, job: Job) -> Generated:
        if job.truth is None:
            raise ConfigError(ONLY_RENDERED)
        made = simulate(job.truth, self.dials, job.seed)
        return Generated(made.picture.pixels if made.picture else None, made.error)

    def close(self) -> None:
        """Nothing to give back."""


def open_model(name: str, location: str, given: Mapping[str, str]) -> SimulatedModel:
    """The model `sim:<location>`, a preset or dials, with the dials in `given` turned otherwise."""
    dials = parse_dials(location) if location else Dials()
    if not given:
        return SimulatedModel(name, dials)
    turned = parse_dials(",".join(f"{dial}={value}" for dial, value in given.items()))
    changes = {dial: getattr(turned, dial) for dial in turned.model_fields_set}
    return SimulatedModel(name, dials.model_copy(update=changes))


def _listed() -> list[ListedModel]:
    dials = [ListedModel(f"  {name}", meaning) for name, meaning in DIALS.items()]
    presets = [ListedModel(f"sim:{name}", preset.spec, "any") for name, preset in PRESETS.items()]
    about = "sim:copy=0.7,drift=0.2: simulated, synthetic suites only; dials:"
    return [ListedModel("sim", about, "any"), *dials, *presets]


MODEL = ModelKind(open=open_model, form="sim:DIALS", what="simulated, synthetic suites only", listed=_listed)
