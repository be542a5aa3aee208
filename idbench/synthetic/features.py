"""Where the features of a face lie, in face coordinates (centimetres from between the eyes).

Shape (head.py), paint (paint.py) and landmarks agree because all three ask here.
`x` is usually the distance from the middle of the face, so that one formula serves both halves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idbench.synthetic.appearance import Expression
from idbench.synthetic.identity import Identity
from idbench.synthetic.surfaces import Float, bump, smooth

__all__ = [
    "MouthCurves",
    "brow_line",
    "cheek_lift",
    "chin_y",
    "eye_coordinates",
    "jaw_drop",
    "lid_lines",
    "mouth_curves",
    "nose_tip_y",
]


@dataclass(frozen=True)
class MouthCurves:
    """Heights (n,) of the mouth at given x: where the lips meet (`middle`), inner and outer edges of
    both lips, and `across`: 0 in the middle to 1 at the corners."""

    half_width: float
    across: Float
    middle: Float
    inner_upper: Float
    inner_lower: Float
    outer_upper: Float
    outer_lower: Float


def mouth_curves(who: Identity, how: Expression, x: Float) -> MouthCurves:
    """The mouth at horizontal positions x (n,)."""
    half = who.mouth_width * (1 + 0.2 * how.smile - 0.12 * how.mouth_open - 0.06 * how.frown)
    t = np.clip(np.abs(x) / half, 0, 1).astype(np.float32)
    curve = who.mouth_curve + 0.45 * how.smile - 0.28 * how.frown
    middle = -who.mouth_drop + curve * t**2 - 0.12 * how.smile
    opening = how.mouth_open * 1.7 * np.sqrt(np.clip(1 - t**2.3, 0, 1))
    inner_upper, inner_lower = middle + 0.12 * opening, middle - 0.88 * opening
    stretch = 1 - 0.28 * how.smile
    bow = 1 - who.cupids_bow * (0.22 * np.exp(-((x / 0.28) ** 2)) - 0.1 * np.exp(-(((np.abs(x) - 0.55) / 0.3) ** 2)))
    upper = who.upper_lip * stretch * np.clip(1 - t**1.8, 0, 1) ** 0.9 * bow
    lower = who.lower_lip * stretch * np.clip(1 - t**2.4, 0, 1) ** 0.8
    return MouthCurves(half, t, middle, inner_upper, inner_lower, inner_upper + upper, inner_lower - lower)


def jaw_drop(who: Identity, how: Expression, y: Float) -> Float:
    """How far skin at height y moves down because the mouth is open."""
    return np.asarray(1.4 * how.mouth_open * smooth(-who.mouth_drop + 0.3, -who.mouth_drop - 1.3, y), np.float32)


def nose_tip_y(who: Identity) -> float:
    """Height of the nose tip."""
    return -who.nose_length + 0.25 * who.nose_tip_lift


def chin_y(who: Identity) -> float:
    """Height of the chin with the mouth closed."""
    return -11.2 * who.face_length - 0.8 * who.chin_length


def eye_coordinates(who: Identity, x: Float, y: Float) -> tuple[Float, Float]:
    """(u, v) of points beside an eye: u is -1 at the inner and 1 at the outer corner, v centimetres up."""
    dx, dy = x - who.eye_spacing, y - who.eye_height
    cos, sin = np.cos(who.eye_tilt), np.sin(who.eye_tilt)
    return (dx * cos + dy * sin) / who.eye_width, -dx * sin + dy * cos


def lid_lines(who: Identity, how: Expression, u: Float) -> tuple[Float, Float]:
    """v of the upper and lower lid edge at u."""
    opened = (1 - how.eyes_closed) * (1 - 0.22 * how.smile - 0.1 * how.frown + 0.14 * how.brows_raised)
    from_peak = np.clip(np.abs(u + 0.10) / np.where(u < -0.10, 0.90, 1.10), 0, 1)
    upper = 1.05 * who.eye_opening * (1 - from_peak**2.1) ** 0.85
    from_dip = np.clip(np.abs(u - 0.12) / np.where(u < 0.12, 1.12, 0.88), 0, 1)
    lower = -0.78 * who.eye_opening * (1 - 0.25 * how.smile) * (1 - from_dip**2.3) ** 0.9
    shut = 0.72 * lower
    upper = shut + (upper - shut) * np.clip(opened, 0, 1.2)
    return np.asarray(upper, np.float32), np.asarray(lower, np.float32)


def brow_line(who: Identity, how: Expression, x: Float) -> tuple[Float, Float, Float]:
    """Height and half thickness of the brow at x, and the share 0..1 along it (outside that range: no brow)."""
    start = who.brow_gap - 0.22 * how.frown
    along = (x - start) / (3.1 * who.brow_length)
    t = np.clip(along, 0, 1)
    height = who.brow_height + 0.45 * how.brows_raised - 0.3 * how.frown
    arch = who.brow_arch * np.sin(np.clip(1.12 * t, 0, 1) ** 1.3 * np.pi * 0.92)
    line = height + arch - (0.12 - who.brow_slope) * 1.1 * t - 0.35 * np.clip(t - 0.6, 0, 1)
    line = line - 0.25 * how.frown * (1 - t)
    thickness = who.brow_thickness * (0.62 + 0.5 * np.sin(np.clip(0.9 * t + 0.12, 0, 1) * np.pi)) * (1 - 0.62 * t**2.2)
    return np.asarray(line, np.float32), np.asarray(thickness, np.float32), np.asarray(along, np.float32)


def cheek_lift(who: Identity, how: Expression, x: Float, y: Float) -> Float:
    """How far a smile raises the cheeks at (x, y)."""
    return np.asarray(0.3 * how.smile * bump(x, y, 4.0, -4.2, 1.5, 1.2), np.float32)
