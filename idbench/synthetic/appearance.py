"""How a synthetic person looks in one photo: everything that may differ between two photos of the same person.

A `Description` holds the words a prompt can say; `sample_appearance` draws one of the many
photos that fit them. What the words leave open varies freely.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from idbench.schema import Record
from idbench.synthetic.identity import Identity, changed

__all__ = [
    "Appearance",
    "Background",
    "Camera",
    "Condition",
    "Description",
    "Expression",
    "Light",
    "Pose",
    "Style",
    "mix_appearances",
    "on_that_day",
    "sample_appearance",
    "sample_background",
    "sample_camera",
    "sample_description",
    "sample_style",
]

Colour = tuple[float, float, float]
"""Red, green, blue in 0..1, as displayed (gamma 2.2)."""

Mood = Literal["neutral", "smiling", "laughing", "surprised", "serious", "dreaming", "talking"]
Direction = Literal["ahead", "left", "right", "up", "down"]
Lighting = Literal["soft", "front", "left", "right", "top", "dim"]
Haircut = Literal["shaved", "short", "full", "bob", "long"]
Beard = Literal["none", "stubble", "moustache", "full"]
Glasses = Literal["none", "thin", "thick"]


class Pose(Record):
    """Degrees. Positive yaw turns to the viewer's right, positive pitch looks up, positive roll tilts clockwise."""

    yaw: float = Field(default=0.0, ge=-90, le=90)
    pitch: float = Field(default=0.0, ge=-60, le=60)
    roll: float = Field(default=0.0, ge=-60, le=60)


class Expression(Record):
    """How far each movement is carried out, 0..1; gaze in centimetres of the iris, to the viewer's right and up."""

    smile: float = Field(default=0.0, ge=0, le=1)
    mouth_open: float = Field(default=0.0, ge=0, le=1)
    eyes_closed: float = Field(default=0.0, ge=0, le=1)
    brows_raised: float = Field(default=0.0, ge=0, le=1)
    frown: float = Field(default=0.0, ge=0, le=1)
    gaze_x: float = Field(default=0.0, ge=-0.6, le=0.6)
    gaze_y: float = Field(default=0.0, ge=-0.4, le=0.4)


class Style(Record):
    """What a person wears and does to hair and skin."""

    hair: Haircut = "short"
    fringe: bool = False
    parting: float = Field(default=0.0, ge=-4, le=4)
    """Where the hair is parted, centimetres to the viewer's right."""
    hair_length: float = Field(default=0.5, ge=0, le=1)
    beard: Beard = "none"
    glasses: Glasses = "none"
    glasses_colour: Colour = (0.1, 0.1, 0.1)
    hat: bool = False
    hat_colour: Colour = (0.5, 0.2, 0.2)
    lipstick: float = Field(default=0.0, ge=0, le=1)
    lipstick_colour: Colour = (0.7, 0.15, 0.2)
    eye_shadow: float = Field(default=0.0, ge=0, le=1)
    eye_shadow_colour: Colour = (0.4, 0.3, 0.4)
    blush: float = Field(default=0.0, ge=0, le=1)
    clothes: Colour = (0.3, 0.4, 0.5)


class Light(Record):
    """One key light and what the surroundings return.

    azimuth (degrees to the viewer's right of the camera) and elevation say where the key stands;
    `strength` of the key, `ambient` of the rest; `warmth` -1 (blue) to 1 (orange).
    """

    azimuth: float = Field(default=0.0, ge=-120, le=120)
    elevation: float = Field(default=22.0, ge=-30, le=85)
    strength: float = Field(default=1.0, ge=0, le=2)
    ambient: float = Field(default=0.42, ge=0.05, le=1.5)
    warmth: float = Field(default=0.0, ge=-1, le=1)


class Condition(Record):
    """How a face has changed since the average day, each in -1..1 (rarely reached): `weight` gained, `years`
    passed, `tan`, brows grown `brows`, `rest` of the eyes, fullness of the `lips`."""

    weight: float = Field(default=0.0, ge=-1, le=1)
    years: float = Field(default=0.0, ge=-1, le=1)
    tan: float = Field(default=0.0, ge=-1, le=1)
    brows: float = Field(default=0.0, ge=-1, le=1)
    rest: float = Field(default=0.0, ge=-1, le=1)
    lips: float = Field(default=0.0, ge=-1, le=1)


CHANGES: dict[str, dict[str, float]] = {
    "weight": {"face_width": 0.07, "jaw_width": 0.13, "chin_width": 0.25, "cheek_hollow": -0.8, "cheekbones": -0.3},
    "years": {"age": 0.25, "eye_bags": 0.4, "upper_lip": -0.12, "hairline": 0.4, "nose_width": 0.15},
    "tan": {"skin_tone": 0.12, "redness": 0.8, "blotchiness": 0.4, "shine": 0.4},
    "brows": {"brow_thickness": 0.2, "brow_density": 0.25, "brow_arch": -0.3, "brow_gap": -0.3, "brow_height": -0.2},
    "rest": {"eye_opening": 0.16, "eye_tilt": 0.08, "lid_crease": -0.4, "eye_bags": -0.4},
    "lips": {"upper_lip": 0.25, "lower_lip": 0.3, "lip_redness": 0.4, "mouth_width": 0.2, "cupids_bow": 0.3},
}
"""What a condition of 1 adds to the measures of an identity."""


def on_that_day(identity: Identity, condition: Condition) -> Identity:
    """The face a person has in this condition."""
    changes: dict[str, float] = {}
    for name, measures in CHANGES.items():
        for measure, change in measures.items():
            changes[measure] = changes.get(measure, 0.0) + getattr(condition, name) * change
    return changed(identity, changes)


class Appearance(Record):
    """One person in one photo."""

    pose: Pose = Pose()
    expression: Expression = Expression()
    style: Style = Style()
    light: Light = Light()
    condition: Condition = Condition()


class Background(Record):
    """What is behind: blurred shapes, chosen by `seed`; `brightness` and `saturation` 0..1."""

    seed: int = Field(default=0, ge=0)
    brightness: float = Field(default=0.4, ge=0, le=1)
    saturation: float = Field(default=0.3, ge=0, le=1)


class Camera(Record):
    """Lens and film: `distance` in centimetres, `exposure` as a factor, `white_balance` of red and blue,
    `noise` (standard deviation in grey levels), `blur` (sigma in pixels), `jpeg` quality (100: none), and the
    `seed` of the noise."""

    distance: float = Field(default=100.0, ge=40, le=400)
    exposure: float = Field(default=1.0, ge=0.5, le=2)
    white_balance: tuple[float, float] = (1.0, 1.0)
    noise: float = Field(default=2.0, ge=0, le=20)
    blur: float = Field(default=0.3, ge=0, le=5)
    jpeg: int = Field(default=90, ge=20, le=100)
    seed: int = Field(default=0, ge=0)


class Description(Record):
    """What a prompt says about one person. `warmth` of the light is a word too: cold, plain or warm."""

    mood: Mood = "neutral"
    direction: Direction = "ahead"
    lighting: Lighting = "soft"
    warmth: Literal[-1, 0, 1] = 0
    style: Style = Style()


MOODS: dict[str, dict[str, float]] = {
    "neutral": {},
    "smiling": {"smile": 0.75},
    "laughing": {"smile": 1.0, "mouth_open": 0.3},
    "surprised": {"mouth_open": 0.55, "brows_raised": 0.9},
    "serious": {"frown": 0.8},
    "dreaming": {"eyes_closed": 1.0},
    "talking": {"mouth_open": 0.35, "brows_raised": 0.15},
}
DIRECTIONS: dict[str, tuple[float, float]] = {
    "ahead": (0, 0),
    "left": (-20, 0),
    "right": (20, 0),
    "up": (0, 12),
    "down": (0, -12),
}
"""Yaw and pitch in degrees."""

LIGHTS: dict[str, tuple[float, float, float, float]] = {
    "soft": (-15, 35, 0.55, 0.75),
    "front": (0, 22, 1.0, 0.42),
    "left": (-50, 20, 1.1, 0.32),
    "right": (50, 20, 1.1, 0.32),
    "top": (8, 55, 1.1, 0.42),
    "dim": (-40, 15, 0.7, 0.28),
}
"""Azimuth, elevation, strength, ambient."""


CHANGEABILITY = 0.65
"""Standard deviation of a person's condition between photos."""


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _near(rng: np.random.Generator, centre: float, deviation: float, low: float, high: float) -> float:
    return float(np.clip(centre + deviation * rng.standard_normal(), low, high))


def _pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    total = sum(weights.values())
    return str(rng.choice(list(weights), p=[weight / total for weight in weights.values()]))


def _colour(rng: np.random.Generator, low: float = 0.05, high: float = 0.85) -> Colour:
    red, green, blue = rng.uniform(low, high, 3)
    return (float(red), float(green), float(blue))


def _muted(rng: np.random.Generator) -> Colour:
    """A cloth colour: any hue, seldom a loud one."""
    grey = rng.uniform(0.08, 0.85)
    red, green, blue = np.clip(grey + rng.normal(0, 0.13, 3), 0.03, 0.95)
    return (float(red), float(green), float(blue))


def sample_style(identity: Identity, rng: np.random.Generator) -> Style:
    """Hair, beard, glasses, make-up and clothes that this person might choose."""
    if identity.is_woman:
        hair = _pick(rng, {"shaved": 0.02, "short": 0.14, "full": 0.2, "bob": 0.3, "long": 0.34})
        beard = "none"
    else:
        hair = _pick(rng, {"shaved": 0.1, "short": 0.5, "full": 0.32, "bob": 0.05, "long": 0.03})
        beard = _pick(rng, {"none": 0.55, "stubble": 0.2, "moustache": 0.08, "full": 0.17})
    made_up = identity.is_woman and rng.random() < 0.4
    return Style.model_validate(
        {
            "hair": hair,
            "fringe": bool(rng.random() < (0.3 if hair in ("bob", "long", "full") else 0.05)),
            "parting": _near(rng, 0, 1.6, -4, 4),
            "hair_length": _between(rng, 0, 1),
            "beard": beard,
            "glasses": _pick(rng, {"none": 0.8, "thin": 0.11, "thick": 0.09}),
            "glasses_colour": _colour(rng, 0.02, 0.3),
            "hat": bool(rng.random() < 0.06),
            "hat_colour": _muted(rng),
            "lipstick": _between(rng, 0.4, 0.9) if made_up else 0.0,
            "lipstick_colour": (_between(rng, 0.5, 0.8), _between(rng, 0.08, 0.25), _between(rng, 0.12, 0.35)),
            "eye_shadow": _between(rng, 0.2, 0.6) if made_up and rng.random() < 0.6 else 0.0,
            "eye_shadow_colour": _colour(rng, 0.15, 0.6),
            "blush": _between(rng, 0, 0.6 if made_up else 0.3),
            "clothes": _muted(rng),
        }
    )


def sample_description(identity: Identity, rng: np.random.Generator, style: Style | None = None) -> Description:
    """Words for a photo of this person, in a style of theirs (a fresh one if none is given)."""
    return Description.model_validate(
        {
            "mood": _pick(rng, {"neutral": 0.26, "smiling": 0.22, "laughing": 0.12, "surprised": 0.1, "serious": 0.12,
                                "dreaming": 0.02, "talking": 0.12}),
            "direction": _pick(rng, {"ahead": 0.4, "left": 0.2, "right": 0.2, "up": 0.1, "down": 0.1}),
            "lighting": _pick(rng, {"soft": 0.2, "front": 0.25, "left": 0.17, "right": 0.17, "top": 0.13, "dim": 0.08}),
            "warmth": int(rng.choice([-1, 0, 0, 1])),
            "style": style or sample_style(identity, rng),
        }
    )  # fmt: skip


def sample_appearance(description: Description, rng: np.random.Generator, variation: float = 1.0) -> Appearance:
    """One photo that fits the words. `variation` >= 0 scales what the words leave open; 0 is their plain meaning."""
    yaw, pitch = DIRECTIONS[description.direction]
    azimuth, elevation, strength, ambient = LIGHTS[description.lighting]
    mood = MOODS[description.mood]
    style = description.style
    v = variation
    return Appearance(
        pose=Pose(
            yaw=_near(rng, yaw, 6 * v, -32, 32),
            pitch=_near(rng, pitch, 4 * v, -18, 18),
            roll=_near(rng, 0, 4 * v, -12, 12),
        ),
        expression=Expression(
            smile=_near(rng, mood.get("smile", 0.04 * v), 0.1 * v, 0, 1),
            mouth_open=_near(rng, mood.get("mouth_open", 0), 0.05 * v if "mouth_open" in mood else 0, 0, 1),
            eyes_closed=_near(rng, mood.get("eyes_closed", 0.05 * v), 0.06 * v, 0, 1),
            brows_raised=_near(rng, mood.get("brows_raised", 0.05 * v), 0.1 * v, 0, 1),
            frown=_near(rng, mood.get("frown", 0.05 * v), 0.08 * v, 0, 1),
            gaze_x=_near(rng, -0.004 * yaw, 0.1 * v, -0.3, 0.3),
            gaze_y=_near(rng, 0, 0.05 * v, -0.15, 0.15),
        ),
        style=style.model_copy(
            update={
                "parting": _near(rng, style.parting, 0.3 * v, -4, 4),
                "hair_length": _near(rng, style.hair_length, 0.06 * v, 0, 1),
                "blush": _near(rng, style.blush, 0.08 * v, 0, 1),
            }
        ),
        light=Light(
            azimuth=_near(rng, azimuth, 7 * v, -90, 90),
            elevation=_near(rng, elevation, 5 * v, -5, 75),
            strength=_near(rng, strength, 0.08 * v, 0.2, 1.5),
            ambient=_near(rng, ambient, 0.06 * v, 0.12, 1.0),
            warmth=_near(rng, 0.8 * description.warmth, 0.15 * v, -1, 1),
        ),
        condition=Condition(**{name: _near(rng, 0, CHANGEABILITY * v, -1, 1) for name in CHANGES}),
    )


def sample_background(rng: np.random.Generator) -> Background:
    """Any background."""
    return Background(
        seed=int(rng.integers(1 << 31)), brightness=_between(rng, 0.15, 0.7), saturation=_between(rng, 0.05, 0.5)
    )


def sample_camera(rng: np.random.Generator) -> Camera:
    """Any camera, from a clean studio shot to a noisy compressed one."""
    return Camera(
        distance=_between(rng, 65, 160),
        exposure=_between(rng, 0.88, 1.14),
        white_balance=(_between(rng, 0.95, 1.05), _between(rng, 0.95, 1.05)),
        noise=_between(rng, 0, 4.5),
        blur=_between(rng, 0, 0.7),
        jpeg=int(rng.integers(65, 98)),
        seed=int(rng.integers(1 << 31)),
    )


def mix_appearances(first: Appearance, second: Appearance, weight: float, switch: float = 0.5) -> Appearance:
    """`weight` (0..1) of the way from `first` to `second`.

    Numbers move in proportion; what cannot be halved (haircut, glasses, ...) is taken from `second` once
    `weight` exceeds `switch` (0..1).
    """

    def mix(a: object, b: object) -> object:
        if isinstance(a, dict) and isinstance(b, dict):
            return {key: mix(a[key], b[key]) for key in a}
        if isinstance(a, float) and isinstance(b, float):
            return (1 - weight) * a + weight * b
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(mix(x, y) for x, y in zip(a, b, strict=True))
        return b if weight > switch else a

    return Appearance.model_validate(mix(first.model_dump(), second.model_dump()))
