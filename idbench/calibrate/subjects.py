"""The people of a calibration: a suite of planned cases, and the simulated models that draw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from idbench.calibrate.pictures import Drawing, Drawn, Key
from idbench.calibrate.sweeps import POOL_MODELS, SWEEPS, Sweep
from idbench.generate.producer import Produced
from idbench.models.simulated import imagine, parse_dials
from idbench.records import Case, Generation, Person
from idbench.suites import Suite
from idbench.synthetic import render
from idbench.synthetic.plans import CasePlan, plan_cases, render_reference, render_target

__all__ = ["POOL_FACTOR", "SimulatedProducer", "Subjects", "choose_subjects"]

POOL_FACTOR = 4
"""Cases in the pool for each case of a sweep."""

TARGET = -1
"""Stands for the person where a photo is the target."""


@dataclass(frozen=True)
class Subjects:
    """Planned cases by id, and which of them each simulated model draws. `few`: how many make a sweep."""

    plans: Mapping[str, CasePlan]
    few: int
    seed: int

    def cases_of(self, sweep: Sweep) -> list[str]:
        """Ids of the cases a sweep is made on."""
        fitting = [id for id, plan in self.plans.items() if len(plan.people) > 1 or not sweep.several]
        return fitting if sweep.pool else fitting[: self.few]

    def models(self) -> dict[str, list[str]]:
        """Every simulated model and the ids of the cases it draws, each once, in the order of the suite."""
        wanted: dict[str, set[str]] = {model: set(self.plans) for model in POOL_MODELS}
        for sweep in SWEEPS:
            for model in sweep.models:
                wanted.setdefault(model, set()).update(self.cases_of(sweep))
        return {model: [id for id in self.plans if id in cases] for model, cases in wanted.items()}

    def photos(self) -> dict[Key, Drawing]:
        """The suite's own photos."""
        drawings: dict[Key, Drawing] = {}
        for id, plan in self.plans.items():
            drawings["photo", id, TARGET, 0] = Drawing(render_target, (plan,))
            for i, person in enumerate(plan.people):
                for k in range(len(person.references)):
                    drawings["photo", id, i, k] = Drawing(render_reference, (person, k))
        return drawings

    def answers(self) -> dict[Key, Drawing]:
        """What each model draws for each of its cases; failures are left out."""
        drawings: dict[Key, Drawing] = {}
        for model, cases in self.models().items():
            dials = parse_dials(model)
            for id in cases:
                plan = self.plans[id]
                if (scene := imagine(plan, dials, self.seed)) is not None:
                    content = (scene.sitters, scene.background, scene.camera, plan.width, plan.height)
                    drawings["answer", model, id] = Drawing(render, content)
        return drawings

    def suite(self, photos: Mapping[Key, Drawn]) -> Suite:
        """The drawn photos as a suite."""

        def read(problems: dict[str, str]) -> Iterator[Case]:
            for plan in self.plans.values():
                yield _case(plan, photos)

        return Suite("synthetic people", "drawn by idbench", "CC0-1.0", read, len(self.plans))


def choose_subjects(few: int, seed: int) -> Subjects:
    """A pool of `POOL_FACTOR * few` cases; sweeps take the first `few` that suit them."""
    return Subjects({plan.id: plan for plan in plan_cases(POOL_FACTOR * few, seed)}, few, seed)


def _case(plan: CasePlan, photos: Mapping[Key, Drawn]) -> Case:
    target = photos["photo", plan.id, TARGET, 0]
    people = tuple(
        Person(
            tuple(photos["photo", plan.id, i, k].image(f"{plan.id}/{i}/{k}") for k in range(len(person.references))),
            person.label,
            target.boxes[i],
        )
        for i, person in enumerate(plan.people)
    )
    return Case(plan.id, plan.prompt, people, target.image(f"{plan.id}/target"), plan.subset)


class SimulatedProducer:
    """The drawn answers of one simulated model; a case it draws nothing for is a failure."""

    def __init__(self, model: str, cases: Sequence[str], answers: Mapping[Key, Drawn]) -> None:
        self._model, self._cases, self._answers = model, frozenset(cases), answers

    def produce(self, case: Case) -> Iterator[Produced]:
        """One image or failure, if the case is one of the model's."""
        if case.id not in self._cases:
            return
        drawn = self._answers.get(("answer", self._model, case.id))
        if drawn is None:
            reason = "simulated failure"
            yield Generation(model=self._model, case=case.id, outcome="generation_failed", error=reason), None
        else:
            image = drawn.image(f"{self._model}/{case.id}")
            yield Generation(model=self._model, case=case.id, outcome="generated"), image
