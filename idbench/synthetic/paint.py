"""What each visible point is coloured like before light falls on it: skin, brows, eyes, mouth, hair, cloth.

Everything is painted per pixel in face coordinates, so that paint follows shape and expression.
Colours are linear light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from idbench.synthetic.appearance import Appearance, Expression, Style
from idbench.synthetic.features import brow_line, eye_coordinates, lid_lines, mouth_curves, nose_tip_y
from idbench.synthetic.identity import Identity
from idbench.synthetic.surfaces import Float, Kind, bump, smooth
from idbench.synthetic.textures import coarse, fine, sample

__all__ = ["Coat", "Spots", "linear", "paint", "skin_colour"]

Index = npt.NDArray[np.int64]

SKIN = ((0, (0.96, 0.83, 0.76)), (0.2, (0.93, 0.76, 0.66)), (0.4, (0.83, 0.63, 0.50)), (0.6, (0.68, 0.48, 0.35)),
        (0.8, (0.48, 0.32, 0.23)), (1, (0.35, 0.225, 0.165)))  # fmt: skip
HAIR = ((0, (0.055, 0.045, 0.04)), (0.25, (0.13, 0.085, 0.06)), (0.45, (0.27, 0.165, 0.095)), (0.62, (0.48, 0.22, 0.1)),
        (0.78, (0.74, 0.57, 0.34)), (0.9, (0.62, 0.60, 0.58)), (1, (0.85, 0.84, 0.82)))  # fmt: skip
EYES = ((0, (0.15, 0.08, 0.045)), (0.3, (0.30, 0.17, 0.08)), (0.5, (0.40, 0.30, 0.13)), (0.65, (0.36, 0.44, 0.26)),
        (0.8, (0.35, 0.50, 0.66)), (1, (0.52, 0.60, 0.66)))  # fmt: skip


@dataclass(frozen=True)
class Spots:
    """Visible points (n,): kind; x, y, z in head coordinates; tx, ty that stick to the skin; hair, hat cover."""

    kind: npt.NDArray[np.int8]
    x: Float
    y: Float
    z: Float
    tx: Float
    ty: Float
    hair: Float
    hat: Float


@dataclass
class Coat:
    """Colour (n, 3) and shine of every spot; `skin` (n,) where light enters; `eye` (n,) where an eyeball shows,
    with its own coordinates `eye_u`, `eye_v` in -1..1; `glint` (n,) the eye's highlight."""

    colour: Float
    specular: Float
    gloss: Float
    skin: Float
    eye: Float
    eye_u: Float
    eye_v: Float
    glint: Float


def linear(colour: Sequence[float] | Float) -> Float:
    """Displayed colour (gamma 2.2) to linear light."""
    return np.asarray(np.asarray(colour, np.float32) ** np.float32(2.2), np.float32)


def _ramp(stops: Sequence[tuple[float, tuple[float, float, float]]], at: float) -> Float:
    """The displayed colour at `at` between stops."""
    positions = [position for position, _ in stops]
    return np.array([np.interp(at, positions, [colour[i] for _, colour in stops]) for i in range(3)], np.float32)


def skin_colour(who: Identity) -> Float:
    """Linear colour (3,) of a person's skin."""
    tint = np.array([1 + 0.03 * who.redness, 1 - 0.02 * who.redness, 1 - 0.03 * who.redness - 0.04 * who.yellowness])
    return linear(np.clip(_ramp(SKIN, who.skin_tone) * tint, 0, 1))


def hair_colour(who: Identity) -> Float:
    """Linear colour (3,) of a person's hair."""
    return linear(_ramp(HAIR, who.hair_tone))


def paint(spots: Spots, who: Identity, look: Appearance, key: Float) -> Coat:
    """Colour all spots. `key` is the unit direction (3,) to the light, for the highlight in the eyes."""
    count = len(spots.x)
    skin = skin_colour(who)
    zero = np.zeros(count, np.float32)
    coat = Coat(
        np.broadcast_to(skin, (count, 3)).copy(),
        np.full(count, 0.075, np.float32),
        np.full(count, 18.0, np.float32),
        (spots.kind <= Kind.NECK).astype(np.float32),
        zero.copy(),
        zero.copy(),
        zero.copy(),
        zero.copy(),
    )
    _skin_texture(coat, spots, who)
    face = np.flatnonzero((spots.kind == Kind.HEAD) & (spots.z > -4))
    _Face(coat, spots, face, who, look).paint(key)
    coat.colour[spots.kind == Kind.EAR] *= np.array([1.0, 0.86, 0.84], np.float32)
    _hair(coat, spots, who, look.style)
    _cloth_and_frames(coat, spots, look.style)
    return coat


def _skin_texture(coat: Coat, spots: Spots, who: Identity) -> None:
    offset = 500 * who.marks
    blotches = sample(coarse(), spots.tx * 14 + offset, spots.ty * 14)
    pores = sample(fine(), spots.tx * 26, spots.ty * 26 + offset)
    veins = sample(coarse(), spots.tx * 7 + 3 * offset, spots.ty * 7)
    coat.colour *= (1 + 0.04 * who.blotchiness * blotches + 0.03 * pores)[:, None]
    coat.colour[:, 1:] *= (1 - 0.03 * who.blotchiness * veins)[:, None]


class _Face:
    """Paint on the front of the head, where `x` is the distance from the middle and `side` tells the halves apart."""

    def __init__(self, coat: Coat, spots: Spots, face: Index, who: Identity, look: Appearance) -> None:
        self.coat, self.face, self.who = coat, face, who
        self.how: Expression = look.expression
        self.style: Style = look.style
        self.pose = look.pose
        self.signed = spots.x[face]
        self.x, self.y = np.abs(self.signed), spots.y[face]
        self.side = np.where(self.signed > 0, np.float32(1), np.float32(-1))
        self.tx, self.ty = spots.tx[face], spots.ty[face]
        self.colour = coat.colour[face]
        self.specular = coat.specular[face]
        self.gloss = coat.gloss[face]
        self.offset = 500 * who.marks

    def paint(self, key: Float) -> None:
        self._blood_and_shadow()
        self._marks()
        self._folds()
        self._beard()
        self._nose()
        brow = self._brows()
        self._shine(brow)
        eye = self._eyes(key)
        self._mouth()
        self.coat.colour[self.face] = self.colour
        self.coat.specular[self.face] = self.specular * (1 - 0.85 * eye)
        self.coat.gloss[self.face] = self.gloss

    def _tint(self, amount: Float, colour: Sequence[float] | Float, at: Index | slice = slice(None)) -> None:
        """Multiply towards `colour` by `amount` (n,)."""
        self.colour[at] *= 1 + (np.asarray(colour, np.float32) - 1) * amount[:, None]

    def _cover(self, amount: Float, colour: Float, at: Index | slice = slice(None)) -> None:
        """Cover with `colour` by `amount` (n,)."""
        self.colour[at] += (colour - self.colour[at]) * amount[:, None]

    def _blood_and_shadow(self) -> None:
        who, x, y = self.who, self.x, self.y
        fair = 1 - 0.55 * who.skin_tone
        flush = 0.7 * bump(x, y, 4.1, -3.4, 1.5, 1.2) + 0.45 * bump(x, y, 0, nose_tip_y(who), 0.9, 0.7)
        flush = flush + 0.2 * bump(x, y, 0, -9.8, 1.2, 0.9)
        self._tint((0.5 + 0.3 * who.redness + 0.6 * self.style.blush) * fair * flush, (1.04, 0.76, 0.76))
        under_eye = bump(x, y, who.eye_spacing - 0.5, who.eye_height - 0.95, 1.3, 0.45)
        self._tint(0.28 * under_eye * (0.5 + who.age), (0.80, 0.72, 0.78))
        self._tint(0.35 * bump(x, y, who.eye_spacing, who.eye_height + 0.7, 1.5, 0.5), (0.84, 0.76, 0.74))
        if self.style.eye_shadow > 0:
            lid = bump(x, y, who.eye_spacing + 0.1, who.eye_height + 0.75, 1.3, 0.42)
            self._tint(self.style.eye_shadow * lid, np.array(self.style.eye_shadow_colour) * 0.6 + 0.2)

    def _marks(self) -> None:
        who = self.who
        if who.freckles > 0.02:
            spotted = 0.6 * sample(fine(), self.tx * 17 + 3 * self.offset, self.ty * 17 + self.offset)
            spotted += 0.5 * sample(fine(), self.tx * 31 + self.offset, self.ty * 31)
            where = bump(self.x, self.y, 2.6, -2.6, 2.4, 1.6) + 0.35
            self._tint(np.clip((spotted - 0.75) * 1.8, 0, 1) * who.freckles * where, (0.70, 0.55, 0.45))
        rng = np.random.default_rng(int(who.marks * 1e6))
        for _ in range(int(rng.integers(0, 4))):
            mx, my, radius, strength = rng.uniform((-5, -10, 0.07, 0.4), (5, 5, 0.15, 0.9))
            near = ((self.tx - mx) ** 2 + (self.ty - my) ** 2) / radius**2
            self._tint(np.exp(-(np.minimum(near, 20) ** 1.5)) * strength, (0.35, 0.25, 0.22))

    def _folds(self) -> None:
        who, how, x, y = self.who, self.how, self.x, self.y
        mouth = mouth_curves(who, how, np.zeros(1, np.float32))
        top, bottom = nose_tip_y(who) + 0.2, -who.mouth_drop
        down = np.clip((top - y) / (top - bottom), 0, 1.25)
        fold = who.nose_width + 0.35 + (mouth.half_width + 0.4 - who.nose_width) * down**0.9
        depth = (0.04 + 0.3 * who.age**1.5 + 0.3 * how.smile) * np.exp(-(((x - fold) / 0.22) ** 2))
        depth = depth * smooth(top + 0.2, top - 0.5, y) * smooth(bottom - 0.9, bottom + 0.2, y)
        self._tint(np.clip(depth, 0, 0.85), (0.66, 0.55, 0.52))
        lines = sum(
            np.exp(-(((y - (level + 0.15 * np.cos(0.6 * x + level))) / 0.09) ** 2)) for level in (3.7, 4.5, 5.3)
        )
        lines = np.asarray(lines) * (0.35 * who.age**2 + 0.5 * how.brows_raised) * smooth(4.5, 2.5, x)
        self._tint(np.clip(lines, 0, 0.6), (0.78, 0.70, 0.67))
        glabella = (0.35 * who.age**2 + 0.6 * how.frown) * np.exp(-(((x - 0.55 - 0.1 * (y - 1.8)) / 0.09) ** 2))
        self._tint(np.clip(glabella * bump(x, y, 0, 1.8, 9, 0.55), 0, 0.7), (0.7, 0.6, 0.57))
        crow = (0.3 * who.age**2 + 0.35 * how.smile * who.age) * smooth(1.1, 1.5, (x - who.eye_spacing) / who.eye_width)
        feet = np.exp(-(((np.mod(y - 0.25 * (x - 5) + 0.15, 0.45) - 0.22) / 0.05) ** 2))
        self._tint(np.clip(crow * feet * bump(x, y, 5.2, 0, 0.5, 0.6), 0, 0.5), (0.72, 0.62, 0.6))

    def _beard(self) -> None:
        who, beard = self.who, self.style.beard
        if beard == "none":
            return
        x, y = self.x, self.y
        mouth = mouth_curves(who, self.how, x)
        strands = sample(fine(), self.tx * 34 + self.offset, self.ty * 17)
        jaw = smooth(-4.2, -8.2, y - 0.22 * np.clip(x - 2.5, 0, 9))
        jaw = jaw * smooth(1.2, 2.6, np.hypot(0.85 * x, 1.15 * (y + who.mouth_drop)))
        jaw = np.maximum(jaw, smooth(-0.3, -2.5, y) * smooth(5.9, 6.6, x) * 0.9)
        tip = nose_tip_y(who)
        upper = smooth(mouth.outer_upper - 0.05, mouth.outer_upper + 0.15, y) * smooth(tip - 0.6, tip - 1.0, y)
        upper = upper * smooth(mouth.half_width + 0.7, mouth.half_width - 0.1, x)
        growth = {"stubble": 0.42, "moustache": 0.85, "full": 0.95}[beard]
        area = upper if beard == "moustache" else np.clip(1.1 * jaw + 0.95 * upper, 0, 1)
        density = np.clip(area * (0.72 + 0.28 * strands) * growth, 0, 0.95)
        self._cover(density, hair_colour(who) * 0.9 + skin_colour(who) * 0.06)
        self.specular *= 1 - 0.6 * density

    def _nose(self) -> None:
        who, x, y = self.who, self.x, self.y
        tip = nose_tip_y(who)
        inside = 0.47 * who.nose_width
        above = y - (tip - 0.58) - 0.1 * (x - inside) - 0.5 * who.wing_lift
        size = who.nostril_size
        hole = np.exp(-(np.abs((x - inside) / (0.33 * size)) ** 2.2) - np.abs(above / (0.16 * size)) ** 2.2)
        self._tint(hole, (0.12, 0.06, 0.06))
        wing = np.exp(-(((x - who.nose_width - 0.1) / 0.13) ** 2) - ((y - (tip - 0.14 + who.wing_lift)) / 0.44) ** 2)
        self._tint(0.5 * wing, (0.64, 0.52, 0.48))
        under = np.exp(-(((x - 0.6 * who.nose_width) / 0.8) ** 2) - ((y - (tip - 0.8)) / 0.16) ** 2)
        self._tint(0.3 * under, (0.64, 0.54, 0.5))

    def _brows(self) -> Float:
        who, x, y = self.who, self.x, self.y
        line, thick, along = brow_line(who, self.how, x)
        line = line + self.side * who.brow_asymmetry
        strands = 0.5 * sample(fine(), x * 9 + y * 16 + self.offset, y * 9 - x * 5 + 2 * self.offset)
        strands += 0.3 * sample(fine(), x * 30 + y * 18, y * 22)
        brow = np.exp(-(np.minimum(np.abs((y - line) / (thick + 0.03)), 5) ** 3))
        brow = brow * smooth(-0.05, 0.10, along) * smooth(1.05, 0.82, along)
        brow = np.clip(brow * who.brow_density * (0.95 + 0.38 * strands), 0, 0.97)
        self._cover(brow, hair_colour(who) * (0.55 if who.hair_tone < 0.7 else 0.25) + 0.06 * skin_colour(who))
        return np.asarray(brow, np.float32)

    def _shine(self, brow: Float) -> None:
        who, x, y = self.who, self.x, self.y
        oily = bump(x, y, 0, nose_tip_y(who) + 0.3, 0.7, 1.0) + 0.6 * bump(x, y, 1.2, 4, 2.5, 1.3)
        self.specular += 0.07 * who.shine * (oily + 0.5 * bump(x, y, 4.4, -2.2, 1.2, 0.7))
        self.specular *= 1 - 0.8 * brow

    def _eyes(self, key: Float) -> Float:
        """Lids, lashes and eyeballs; returns how much of each spot is eyeball."""
        who, how = self.who, self.how
        y = self.y - 0.6 * self.side * who.eye_asymmetry
        shown = np.zeros(len(self.x), np.float32)
        at = np.flatnonzero(
            (np.abs(self.x - who.eye_spacing) < 1.55 * who.eye_width) & (np.abs(y - who.eye_height) < 1.9)
        )
        if not len(at):
            return shown
        side = self.side[at]
        u, v = eye_coordinates(who, self.x[at], y[at])
        upper, lower = lid_lines(who, how, u)
        within = (np.abs(u) < 1).astype(np.float32)
        ball = smooth(-0.055, 0.055, upper - v) * smooth(-0.055, 0.055, v - lower) * within
        self._lids(at, u, v, upper)
        # Eyes look where the face looks unless the gaze says otherwise; x is mirrored on the left half.
        iris_x = (how.gaze_x - 0.006 * self.pose.yaw) * side
        dx, dy = u * who.eye_width - iris_x, v - how.gaze_y - 0.04
        self._cover(ball, self._eyeball(dx, dy, u, v, upper), at)
        self._lashes(at, u, v, upper, lower)
        spot = 0.2 * np.sign(key[0] + 1e-3) * min(1.0, 2 * abs(float(key[0])) + 0.3)
        near = ((side * dx - spot) ** 2 + (dy - 0.16) ** 2) / 0.085**2
        face = self.face[at]
        self.coat.glint[face] = np.exp(-(np.minimum(near, 20) ** 1.5)) * ball
        self.coat.eye[face], self.coat.eye_u[face], self.coat.eye_v[face] = ball, u * side, v
        shown[at] = ball
        return shown

    def _lids(self, at: Index, u: Float, v: Float, upper: Float) -> None:
        who, how = self.who, self.how
        from_peak = np.clip(np.abs(u + 0.10) / np.where(u < -0.10, 0.90, 1.10), 0, 1)
        near = (np.abs(u) < 1.12).astype(np.float32)
        opened = 0.6 + 0.4 * (1 - how.eyes_closed)
        crease = upper + (0.16 + 0.2 * who.lid_crease) * (1 - 0.35 * from_peak) * opened + 0.05
        fold = (0.25 + 0.65 * who.lid_crease) * np.exp(-(((v - crease) / 0.075) ** 2)) * near
        self._tint(np.clip(fold * smooth(1.15, 0.7, from_peak), 0, 1), (0.55, 0.44, 0.42), at)
        lid = smooth(0, 0.15, v - upper) * smooth(0, 0.15, crease - v) * near
        self._tint(0.8 * lid, (0.92, 0.86, 0.85), at)

    def _eyeball(self, dx: Float, dy: Float, u: Float, v: Float, upper: Float) -> Float:
        """Colours (n, 3) of white, iris and pupil; dx, dy centimetres from the pupil."""
        who = self.who
        radius, distance = who.iris_radius, np.hypot(dx, dy)
        white = np.broadcast_to(linear((0.82, 0.79, 0.77)), (len(u), 3)).copy()
        white *= ((1 - 0.38 * np.clip(np.abs(u), 0, 1) ** 2.2) * (1 - 0.55 * smooth(0.36, 0, upper - v)))[:, None]
        corner = np.exp(-(((u + 0.90) / 0.13) ** 2) - ((v + 0.03) / 0.16) ** 2)
        white += (linear((0.80, 0.48, 0.45)) - white) * (0.85 * corner)[:, None]
        angle = np.arctan2(dy, dx)
        rays = 1 + 0.2 * np.sin(23 * angle + self.offset) * np.sin(11 * angle)
        shade = (
            rays * (0.75 + 0.4 * np.clip(-dy / radius, -0.4, 1)) * (1 - 0.72 * smooth(0.74 * radius, radius, distance))
        )
        iris = linear(_ramp(EYES, who.eye_tone)) * shade[:, None]
        white += (iris - white) * smooth(radius + 0.05, radius - 0.05, distance)[:, None]
        return np.asarray(white * (1 - 0.96 * smooth(0.25, 0.19, distance))[:, None], np.float32)

    def _lashes(self, at: Index, u: Float, v: Float, upper: Float, lower: Float) -> None:
        who, how = self.who, self.how
        end = smooth(1.25, 1.0, np.abs(u + 0.02))
        width = 0.055 + 0.045 * who.femininity + 0.03 * (self.style.eye_shadow > 0)
        line = np.exp(-(((v - upper - 0.02) / width) ** 2)) * end * (np.abs(u) < 1.12)
        self._tint(np.clip(1.05 * line, 0, 1), (0.06, 0.045, 0.04), at)
        wing = (
            np.exp(-(((v - upper - 0.10 - 0.25 * (u - 1.0)) / 0.07) ** 2))
            * smooth(0.55, 0.9, u)
            * smooth(1.25, 1.05, u)
        )
        self._tint(0.7 * who.femininity * wing, (0.12, 0.09, 0.08), at)
        rim = np.exp(-(((v - lower + 0.03) / 0.055) ** 2)) * end * (np.abs(u) < 1.0)
        self._tint(0.7 * rim, (0.42, 0.30, 0.28), at)
        bag = (0.12 + 0.45 * who.eye_bags * who.age + 0.3 * how.smile) * np.exp(-(((v - lower + 0.48) / 0.10) ** 2))
        self._tint(np.clip(bag * smooth(1.1, 0.55, np.abs(u)), 0, 1), (0.72, 0.62, 0.60), at)

    def _mouth(self) -> None:
        who, how, style = self.who, self.how, self.style
        at = np.flatnonzero((self.x < 4.2) & (np.abs(self.y + who.mouth_drop) < 3.6))
        if not len(at):
            return
        x, y = self.signed[at], self.y[at]
        mouth = mouth_curves(who, how, x)
        wobble = 0.02 * sample(fine(), self.tx[at] * 26, self.ty[at] * 26)
        upper = smooth(-0.05, 0.07, mouth.outer_upper - y + wobble) * smooth(-0.05, 0.05, y - mouth.inner_upper)
        lower = smooth(-0.06, 0.09, y - mouth.outer_lower + wobble) * smooth(-0.05, 0.05, mouth.inner_lower - y)
        share = np.abs(x) / mouth.half_width
        lip = 0.92 * np.clip((0.97 * upper + lower) * smooth(1.02, 0.93, share), 0, 1)
        red = np.array([0.92, 0.66, 0.66]) * (1 - who.lip_redness) + np.array([0.80, 0.42, 0.44]) * who.lip_redness
        colour = skin_colour(who) * red * (1 - style.lipstick) + linear(style.lipstick_colour) * style.lipstick
        lines = 1 + 0.06 * sample(fine(), x * 22 + self.offset, y * 6)
        toned = colour * (lines * np.where(y > mouth.middle, 0.86, 1.06))[:, None]
        self._cover(lip, toned.astype(np.float32), at)
        gap = mouth.inner_upper - mouth.inner_lower
        inside = smooth(-0.03, 0.05, mouth.inner_upper - y) * smooth(-0.03, 0.05, y - mouth.inner_lower)
        inside = inside * (share < 1) * smooth(0.04, 0.14, gap)
        self._cover(inside, self._mouth_inside(x, y), at)
        closed = 1 - smooth(0.03, 0.12, np.array(how.mouth_open, np.float32))
        line = np.exp(-(((y - mouth.middle) / 0.075) ** 2)) * smooth(1.08, 0.9, share) * closed
        self._tint(0.9 * line, (0.22, 0.12, 0.12), at)
        corner = np.exp(-(((np.abs(x) - mouth.half_width) / 0.16) ** 2) - ((y - mouth.middle) / 0.16) ** 2)
        self._tint(0.75 * corner, (0.45, 0.34, 0.33), at)
        below = np.exp(-(((y - mouth.outer_lower + 0.18) / 0.16) ** 2)) * smooth(1.0, 0.4, share)
        self._tint(0.5 * below, (0.80, 0.72, 0.70), at)
        moist = np.clip(lip - inside, 0, 1)
        self.specular[at] += 0.22 * moist
        self.gloss[at] += 20 * moist

    def _mouth_inside(self, x: Float, y: Float) -> Float:
        """Colours (n, 3) of teeth, tongue and dark."""
        how = self.how
        mouth = mouth_curves(self.who, how, x)
        across = mouth.across
        inside = np.broadcast_to(linear((0.22, 0.07, 0.06)), (len(x), 3)).copy()
        tongue = np.exp(-((x / (0.55 * mouth.half_width)) ** 2) - ((y - mouth.inner_lower - 0.25) / 0.35) ** 2)
        deep = 0.7 * smooth(0.8, 1.3, np.array(1.7 * how.mouth_open, np.float32))
        inside += (linear((0.55, 0.25, 0.24)) - inside) * (deep * tongue)[:, None]
        length = 0.30 + 0.16 * how.smile
        row = smooth(-0.02, 0.06, y - (mouth.inner_upper - length * (1 - 0.35 * across**2)))
        row = row * (np.abs(x) < 0.88 * mouth.half_width) * (1 - 0.55 * across**2)
        gaps = 1 - 0.22 * np.exp(-((np.mod(np.abs(x), 0.42) / 0.035) ** 2))
        teeth = linear((0.92, 0.88, 0.80)) * (gaps * (1 - 0.5 * across**2))[:, None]
        inside += (teeth - inside) * row[:, None]
        return np.asarray(inside, np.float32)


def _hair(coat: Coat, spots: Spots, who: Identity, style: Style) -> None:
    at = np.flatnonzero((spots.hair > 0.02) | (spots.kind == Kind.HAIR))
    if not len(at):
        return
    cover, curtain = spots.hair[at], spots.kind[at] == Kind.HAIR
    tx, ty, x, z = spots.tx[at], spots.ty[at], spots.x[at], spots.z[at]
    # Strands run from the crown outwards and down.
    across = np.where(curtain, tx, 12 * np.arctan2(x - 0.5 * style.parting * smooth(5, 9, ty), z + 4))
    along = np.where(curtain, ty, ty - 0.4 * np.hypot(x, z + 4))
    bend = (2 + 9 * who.hair_curl) * np.sin(along * (0.4 + 0.9 * who.hair_curl) + 2 * np.sin(across * 0.5))
    offset = 500 * who.marks
    strands = 0.5 * sample(fine(), across * 22 + bend + offset, along * 1.8)
    strands += 0.5 * sample(coarse(), across * 26 + bend + offset, along * 3)
    strands += 0.4 * sample(coarse(), across * 9 + bend, along * 2 + offset)
    edge = np.clip(smooth(0.08, 0.5, cover + 0.2 * strands * (cover < 0.9)), 0, 1)
    amount = np.where(curtain, 1.0, edge) * (0.55 if style.hair == "shaved" else 1.0)
    colour = hair_colour(who) * np.clip(1 + 0.34 * strands, 0.3, 2.2)[:, None]
    coat.colour[at] += (colour - coat.colour[at]) * amount[:, None]
    if style.hair != "shaved":
        sheen = 0.06 + 0.05 * np.clip(strands, -0.8, 2)
        coat.specular[at] += (sheen - coat.specular[at]) * amount
        coat.gloss[at] += (14 - coat.gloss[at]) * amount
    coat.skin[at] *= cover < 0.5


def _cloth_and_frames(coat: Coat, spots: Spots, style: Style) -> None:
    hat = np.flatnonzero(spots.hat > 0.5)
    knit = 1 + 0.16 * np.sin(9 * spots.tx[hat]) * np.sin(9 * spots.ty[hat])
    coat.colour[hat] = linear(style.hat_colour) * knit[:, None]
    coat.specular[hat], coat.skin[hat] = 0.01, 0
    cloth = np.flatnonzero(spots.kind == Kind.CLOTH)
    weave = 0.05 * sample(coarse(), spots.tx[cloth] * 14, spots.ty[cloth] * 14)
    weave += 0.06 * sample(fine(), spots.tx[cloth] * 26, spots.ty[cloth] * 26)
    coat.colour[cloth] = linear(style.clothes) * (1 + weave)[:, None]
    coat.specular[cloth] = 0.015
    frame = np.flatnonzero(spots.kind == Kind.FRAME)
    coat.colour[frame] = linear(style.glasses_colour)
    coat.specular[frame], coat.gloss[frame] = 0.5, 50
