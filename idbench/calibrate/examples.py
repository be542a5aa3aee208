"""What each dial does to one case, as pictures small enough for the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from idbench.calibrate.pictures import Drawing, Drawn, Key
from idbench.calibrate.subjects import TARGET, Subjects
from idbench.calibrate.sweeps import SWEEPS, Sweep
from idbench.images import EncodedImage, decode, encode_jpeg
from idbench.synthetic.plans import CasePlan

__all__ = ["Example", "Strip", "example_strips"]

HEIGHT = 160
"""Pixels; the page shows them smaller."""


@dataclass(frozen=True)
class Example:
    """One picture, as a data URI, and what it shows."""

    caption: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Strip:
    """One case along a sweep: its references and target, then what the model draws at each value of the dial."""

    prompt: str
    photos: list[Example]
    answers: list[Example]


def example_strips(subjects: Subjects, drawings: Mapping[Key, Drawing], drawn: Mapping[Key, Drawn]) -> dict[str, Strip]:
    """A strip per sweep, by its name. Equal neighbours are shown once."""
    return {sweep.name: _strip(sweep, subjects, drawings, drawn) for sweep in SWEEPS}


def _strip(sweep: Sweep, subjects: Subjects, drawings: Mapping[Key, Drawing], drawn: Mapping[Key, Drawn]) -> Strip:
    case = max(subjects.cases_of(sweep), key=lambda id: _worth(sweep, subjects.plans[id], drawings))
    plan = subjects.plans[case]
    references = [("reference", ("photo", case, i, 0)) for i in range(len(plan.people))]
    photos: list[tuple[str, Key]] = [*references, ("target", ("photo", case, TARGET, 0))]
    return Strip(
        plan.prompt,
        [_example(caption, drawn[key]) for caption, key in photos],
        [_example(f"{sweep.dial} {value:g}", drawn[key]) for value, key in _steps(sweep, case, drawings)],
    )


def _worth(sweep: Sweep, plan: CasePlan, drawings: Mapping[Key, Drawing]) -> tuple[int, int]:
    """How much a case shows of a sweep: in how many pictures, and how few people beyond those it takes."""
    fewest = 2 if sweep.several or sweep.pool else 1
    return len(_steps(sweep, plan.id, drawings)), -abs(len(plan.people) - fewest)


def _steps(sweep: Sweep, case: str, drawings: Mapping[Key, Drawing]) -> list[tuple[float, Key]]:
    """Values of the dial at which the model's picture of a case changes, and the picture."""
    steps: list[tuple[float, Key]] = []
    for value, model in zip(sweep.stops, sweep.models, strict=True):
        key = ("answer", model, case)
        if key in drawings and (not steps or drawings[key].key != drawings[steps[-1][1]].key):
            steps.append((value, key))
    return steps


def _example(caption: str, drawn: Drawn) -> Example:
    pixels = decode(EncodedImage(caption, path=drawn.path).read(), caption)
    height, width = pixels.shape[:2]
    size = (round(width * HEIGHT / height), HEIGHT)
    small = encode_jpeg(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), quality=80)
    return Example(caption, "data:image/jpeg;base64," + base64.b64encode(small).decode(), *size)
