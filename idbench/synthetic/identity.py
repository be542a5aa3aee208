"""Who a synthetic person is: the shape and colour of a face, and nothing that changes between photos.

Lengths are centimetres (the eyes of an average head are 6.2 apart), measured from a point between
the eyes: x to the viewer's right, y up, z towards the viewer. Every measure says how it is distributed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.special import ndtr, ndtri

from idbench.schema import Record

__all__ = ["SPREAD", "Identity", "changed", "distance", "mix_identities", "sample_identities", "sibling"]

SPREAD = 1.75
"""How far shapes lie from the average, in units of human-like variation; the difficulty dial (larger is easier)."""

REACH = 2.0
"""Normal measures stay within this many standard deviations, so that nobody is a monster."""


@dataclass(frozen=True)
class Normal:
    """A measure around `centre`; women lie `feminine` above men. Kept within `low` and `high`."""

    centre: float
    deviation: float
    low: float
    high: float
    feminine: float = 0.0


@dataclass(frozen=True)
class Uniform:
    """A measure anywhere between `low` and `high`, equally likely."""

    low: float = 0.0
    high: float = 1.0


class Identity(Record):
    """One person who never lived."""

    femininity: Annotated[float, Uniform()]
    """0..1; a woman from 0.5. Shifts several shape measures a little."""
    age: Annotated[float, Uniform()]
    """0..1, about 18 to 75 years: folds, wrinkles, grey hair."""

    face_width: Annotated[float, Normal(1, 0.055, 0.86, 1.15)]
    face_length: Annotated[float, Normal(1, 0.05, 0.88, 1.12)]
    jaw_width: Annotated[float, Normal(1, 0.08, 0.82, 1.2, -0.05)]
    jaw_corner: Annotated[float, Normal(1, 0.05, 0.88, 1.14)]
    """Width where the jaw turns up to the ear."""
    chin_width: Annotated[float, Normal(1, 0.18, 0.55, 1.5, -0.12)]
    chin_length: Annotated[float, Normal(0, 0.45, -1.1, 1.1)]
    chin_protrusion: Annotated[float, Normal(0, 0.35, -0.9, 0.9)]
    chin_cleft: Annotated[float, Uniform(-1.5, 1)]
    """Only above 0 is there one."""
    cheekbones: Annotated[float, Normal(0.35, 0.45, -0.6, 1.3)]
    cheek_hollow: Annotated[float, Normal(0.15, 0.4, -0.7, 1.0)]
    forehead_height: Annotated[float, Normal(0, 0.5, -1.2, 1.2)]
    forehead_width: Annotated[float, Normal(1, 0.035, 0.91, 1.09)]
    forehead_bulge: Annotated[float, Normal(0, 0.3, -0.8, 0.8)]

    eye_spacing: Annotated[float, Normal(3.12, 0.17, 2.75, 3.6)]
    """Half the distance of the eyes."""
    eye_height: Annotated[float, Normal(0, 0.28, -0.6, 0.6)]
    eye_width: Annotated[float, Normal(1.5, 0.11, 1.22, 1.8, 0.06)]
    """Half the width of an eye."""
    eye_opening: Annotated[float, Normal(0.60, 0.085, 0.40, 0.86, 0.06)]
    eye_tilt: Annotated[float, Normal(0.06, 0.07, -0.12, 0.25)]
    """Radians; outer corner up."""
    eye_depth: Annotated[float, Normal(0.9, 0.35, 0.2, 1.9, -0.25)]
    iris_radius: Annotated[float, Normal(0.585, 0.03, 0.5, 0.66)]
    lid_crease: Annotated[float, Uniform()]
    eye_bags: Annotated[float, Uniform()]
    eye_tone: Annotated[float, Uniform()]
    """0 dark brown, 0.5 hazel, 0.65 green, 0.8 blue, 1 grey."""

    brow_height: Annotated[float, Normal(1.95, 0.28, 1.3, 2.9, 0.15)]
    brow_thickness: Annotated[float, Normal(0.36, 0.10, 0.19, 0.7, -0.16)]
    brow_arch: Annotated[float, Normal(0.30, 0.2, -0.2, 0.9, 0.15)]
    brow_slope: Annotated[float, Normal(0.08, 0.15, -0.3, 0.45)]
    brow_length: Annotated[float, Normal(1, 0.09, 0.75, 1.25)]
    brow_gap: Annotated[float, Normal(1.15, 0.25, 0.6, 1.7)]
    """Half the distance of the brows."""
    brow_density: Annotated[float, Uniform(0.55, 1)]
    brow_ridge: Annotated[float, Normal(0.2, 0.25, -0.4, 0.9, -0.35)]

    nose_length: Annotated[float, Normal(4.1, 0.40, 3.3, 5.0)]
    nose_width: Annotated[float, Normal(1.42, 0.22, 0.95, 2.1, -0.12)]
    """Half the width over the wings."""
    nose_projection: Annotated[float, Normal(2.1, 0.36, 1.2, 3.0)]
    nose_bridge: Annotated[float, Normal(0.75, 0.28, 0.15, 1.5)]
    """Height of the bridge between the eyes."""
    bridge_width: Annotated[float, Normal(0.62, 0.10, 0.4, 0.9)]
    nose_hump: Annotated[float, Normal(0, 0.2, -0.45, 0.5)]
    nose_tip_lift: Annotated[float, Normal(0, 0.28, -0.6, 0.6)]
    nose_tip_size: Annotated[float, Normal(0.5, 0.16, 0.15, 0.9)]

    wing_lift: Annotated[float, Normal(0, 0.1, -0.28, 0.28)]
    """How far the wings of the nose sit above its tip."""
    nostril_size: Annotated[float, Normal(1, 0.14, 0.6, 1.4)]

    mouth_drop: Annotated[float, Normal(6.95, 0.26, 6.3, 7.7)]
    """Distance of the mouth below the eye line."""
    mouth_width: Annotated[float, Normal(2.45, 0.24, 1.85, 3.1)]
    """Half the width of the mouth."""
    upper_lip: Annotated[float, Normal(0.52, 0.16, 0.18, 1.0, 0.08)]
    lower_lip: Annotated[float, Normal(0.68, 0.19, 0.28, 1.2, 0.08)]
    lip_protrusion: Annotated[float, Normal(1, 0.22, 0.45, 1.6)]
    cupids_bow: Annotated[float, Uniform(0.2, 1)]
    lip_redness: Annotated[float, Uniform(0.3, 1)]
    mouth_curve: Annotated[float, Normal(0.06, 0.10, -0.18, 0.28)]
    muzzle: Annotated[float, Normal(0.55, 0.25, 0.0, 1.2)]
    """How far the mouth region bulges forward."""

    ear_size: Annotated[float, Normal(1, 0.12, 0.75, 1.3)]
    ear_flare: Annotated[float, Uniform(0.1, 0.6)]
    brow_asymmetry: Annotated[float, Normal(0, 0.06, -0.15, 0.15)]
    eye_asymmetry: Annotated[float, Normal(0, 0.06, -0.15, 0.15)]
    eye_line: Annotated[float, Normal(0, 0.018, -0.05, 0.05)]
    """Tilt of the line through the eyes, radians."""
    nose_bend: Annotated[float, Normal(0, 0.11, -0.32, 0.32)]
    """How far the tip of the nose lies to one side."""
    mouth_tilt: Annotated[float, Normal(0, 0.025, -0.07, 0.07)]
    """Radians."""
    jaw_shift: Annotated[float, Normal(0, 0.12, -0.35, 0.35)]
    """How far the chin lies to one side."""

    skin_tone: Annotated[float, Uniform()]
    """0 very light to 1 very dark."""
    redness: Annotated[float, Uniform(-1, 1)]
    yellowness: Annotated[float, Uniform(-1, 1)]
    freckles: Annotated[float, Uniform(-1.2, 1)]
    """Only above 0 are there any."""
    blotchiness: Annotated[float, Uniform(0.3, 1)]
    shine: Annotated[float, Uniform(0.4, 1)]

    hair_tone: Annotated[float, Uniform()]
    """0 black, 0.25 dark brown, 0.45 brown, 0.62 red, 0.78 blond, 0.9 grey, 1 white."""
    hairline: Annotated[float, Normal(6.3, 0.5, 5.2, 7.4)]
    """Height of the hairline above the eyes."""
    receding: Annotated[float, Uniform()]
    hair_volume: Annotated[float, Uniform(0.4, 1.5)]
    hair_curl: Annotated[float, Uniform()]
    marks: Annotated[float, Uniform()]
    """Chooses where moles and freckles sit."""

    @property
    def is_woman(self) -> bool:
        """Which word a prompt uses."""
        return self.femininity >= 0.5


def _laws() -> dict[str, Normal | Uniform]:
    return {name: field.metadata[0] for name, field in Identity.model_fields.items()}


def sample_identities(count: int, rng: np.random.Generator, spread: float = SPREAD) -> list[Identity]:
    """`count` different people, every measure covered evenly (Latin hypercube).

    `spread` > 0 scales the shape measures' deviation: small values make people alike.
    """
    laws = _laws()
    cells = np.argsort(rng.random((count, len(laws))), axis=0)
    chances = (cells + rng.random(cells.shape)) / max(count, 1)
    return [_person(dict(zip(laws, row, strict=True)), laws, spread) for row in chances]


def _person(chances: dict[str, float], laws: dict[str, Normal | Uniform], spread: float) -> Identity:
    """The person at these quantiles of the distributions."""
    values: dict[str, float] = {}
    edge = float(ndtr(-REACH))
    for name, law in laws.items():
        chance = float(chances[name])
        if isinstance(law, Uniform):
            values[name] = law.low + chance * (law.high - law.low)
        else:
            score = float(ndtri(edge + chance * (1 - 2 * edge)))
            centre = law.centre + law.feminine * (values["femininity"] - 0.5)
            values[name] = float(np.clip(centre + score * law.deviation * spread, law.low, law.high))
    return Identity(**_plausible(values))


def _plausible(values: dict[str, float]) -> dict[str, float]:
    """What independent draws get wrong: dark skin with blond hair, features that overlap."""
    dark, age = values["skin_tone"], values["age"]
    tone = values["hair_tone"] * 0.86
    tone = tone**1.2 if dark < 0.5 else tone * (0.25 + 0.5 * (1 - dark))
    if age > 0.72 and values["marks"] > 0.3:
        tone = 0.86 + 0.14 * (age - 0.72) / 0.28
    values["hair_tone"] = float(tone)
    if dark > 0.5:
        values["eye_tone"] *= 0.4
    values["receding"] *= (1.15 - values["femininity"]) * (0.35 + 0.65 * age)
    return fitting(values)


def fitting(values: dict[str, float]) -> dict[str, float]:
    """Measures moved so far that features do not run into each other."""
    values["eye_spacing"] = max(values["eye_spacing"], values["eye_width"] + 1.15)
    values["brow_height"] = max(values["brow_height"], values["eye_height"] + 1.3)
    values["mouth_width"] = min(values["mouth_width"], 2.95 * values["face_width"])
    under_nose = values["nose_length"] - 0.25 * values["nose_tip_lift"]
    values["mouth_drop"] = min(max(values["mouth_drop"], under_nose + 1.75 + 0.5 * values["upper_lip"]), 8.0)
    return values


def changed(identity: Identity, changes: dict[str, float]) -> Identity:
    """The identity with `changes` added to its measures, each kept in its range."""
    values, laws = identity.model_dump(), _laws()
    for name, change in changes.items():
        values[name] = min(max(values[name] + change, laws[name].low), laws[name].high)
    return Identity(**fitting(values))


def mix_identities(first: Identity, second: Identity, weight: float) -> Identity:
    """Every measure `weight` (0..1) of the way from `first` to `second`."""
    a, b = first.model_dump(), second.model_dump()
    return Identity(**fitting({name: (1 - weight) * a[name] + weight * b[name] for name in a}))


def sibling(identity: Identity, stranger: Identity, likeness: float = 0.5) -> Identity:
    """Someone `likeness` (0..1) like `identity` in face, hair and skin, otherwise like `stranger`; same sex and age."""
    mixed = mix_identities(stranger, identity, likeness)
    return mixed.model_copy(update={"femininity": identity.femininity, "age": identity.age, "marks": stranger.marks})


def distance(first: Identity, second: Identity) -> float:
    """Root mean square difference of the measures, in standard deviations of the population.

    About 1.3 for two strangers.
    """
    differences: Sequence[float] = [
        (getattr(first, name) - getattr(second, name))
        / (law.deviation * SPREAD if isinstance(law, Normal) else (law.high - law.low) / np.sqrt(12))
        for name, law in _laws().items()
    ]
    return float(np.sqrt(np.mean(np.square(differences))))
