"""The head: one closed surface of sections around a vertical axis, pushed forward where a face stands out.

Rows run from the crown to the chin, columns around the head, denser in front. Every relief moves
points along z only, so that paint at (x, y) stays where it belongs.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from idbench.synthetic.appearance import Expression, Style
from idbench.synthetic.features import cheek_lift, chin_y, jaw_drop, mouth_curves, nose_tip_y
from idbench.synthetic.identity import Identity
from idbench.synthetic.surfaces import Float, Kind, Part, bump, grid_normals, grid_part, smooth
from idbench.synthetic.textures import coarse, sample

__all__ = ["COLUMNS", "build_head", "crooked"]

COLUMNS = 196
"""Points around the head."""
BROW_TO_CROWN = 3.5
"""Above this height the head closes as a dome."""


def _angles() -> Float:
    t = np.linspace(-1, 1, COLUMNS, endpoint=False)
    return np.asarray(np.pi * (0.52 * t + 0.48 * np.sign(t) * np.abs(t) ** 2.6), np.float32)


def _heights() -> Float:
    dome = BROW_TO_CROWN + 8.1 * np.sin(np.pi / 2 * np.linspace(1, 0, 44))
    face = np.linspace(BROW_TO_CROWN, -10.2, 112)[1:]
    chin = -10.2 - 1.45 * np.sin(np.pi / 2 * np.linspace(0, 1, 16))[1:]
    return np.concatenate([dome, face, chin]).astype(np.float32)


ANGLES, HEIGHTS = _angles(), _heights()


@dataclass
class _Grid:
    """Coordinates (rows, columns) while the head takes shape. `front` is 1 on the face, 0 at the back."""

    x: Float
    y: Float
    z: Float
    front: Float


def build_head(who: Identity, how: Expression, style: Style) -> Part:
    """The head with hair cap or hat, in head coordinates."""
    grid = _skull(who)
    around = np.broadcast_to(7.2 * ANGLES, grid.y.shape)
    texture = np.stack([around, grid.y], -1).astype(np.float32)
    _move_by_expression(grid, who, how)
    relief = (
        _brow_and_eyes(grid, who, how) + _cheeks(grid, who, how) + _nose(grid, who) + _mouth_and_chin(grid, who, how)
    )
    grid.z += relief * grid.front
    points = np.stack([grid.x, grid.y, grid.z], -1)
    hair, thickness = _hair(points, texture[..., 1], who, style)
    hat = np.zeros_like(hair)
    if style.hat:
        hat = smooth(4.5, 4.75, texture[..., 1])
        cuff = smooth(4.5, 5.0, texture[..., 1]) * smooth(6.1, 5.9, texture[..., 1])
        thickness = thickness * (1 - smooth(3.5, 4.6, texture[..., 1])) + hat * (0.75 + 0.3 * cuff)
        hair = hair * (1 - hat)
    points = points + thickness[..., None] * _outwards(points)
    points[0] = points[0].mean(axis=0)
    normals = grid_normals(points, wrap=True)
    normals[0] = (0, 1, 0)
    return grid_part(
        Kind.HEAD,
        points,
        normals,
        texture=texture,
        hair=hair,
        hat=hat,
        openness=_openness(points, normals),
        two_sided=False,
    )


def _skull(who: Identity) -> _Grid:
    """The bare shape: widths and depths by height, closed above by a dome, with a jaw that rises backwards."""
    y = HEIGHTS
    at = np.clip(y, -11.7, BROW_TO_CROWN)
    levels = [-11.7, -10.9, -9.6, -7.6, -5, -2.2, 0.8, BROW_TO_CROWN]
    chin, jaw = who.chin_width, who.jaw_width
    corner, forehead = 0.5 + 0.5 * who.jaw_corner, 0.5 + 0.5 * who.forehead_width
    low = [1.35 * chin, 2.7 * chin, 4.3 * (0.5 + 0.5 * chin) * jaw, 5.5 * jaw * who.jaw_corner]
    high = [6.2 * (0.5 + 0.5 * jaw) * corner, 6.75, 7.0 * forehead, 7.15 * who.forehead_width]
    widths = np.array([*low, *high]) * who.face_width
    fronts = np.array([7.7, 8.7, 8.85, 8.7, 8.8, 8.85, 8.85, 8.75 + 0.7 * who.forehead_bulge])
    fronts[:3] += who.chin_protrusion * np.array([1, 0.9, 0.5])
    backs = [1.0, 1.5, 3, 5.2, 7.6, 9.0, 9.6, 9.8]
    up = np.clip((y - BROW_TO_CROWN) / 8.12, 0, 1)
    dome, front_dome = np.clip(1 - up**2.2, 0, 1) ** 0.48, np.clip(1 - up**2.15, 0, 1) ** 0.52
    under = np.clip((-10.2 - y) / 1.47, 0, 1)
    rounding = np.sqrt(1 - under**2)
    wide = PchipInterpolator(levels, widths)(at) * dome * (0.35 + 0.65 * rounding)
    front = PchipInterpolator(levels, fronts)(at) * front_dome * (0.62 + 0.38 * rounding)
    back = PchipInterpolator(levels, backs)(at) * dome
    sin, cos = (np.sign(v) * np.abs(v) ** 0.88 for v in (np.sin(ANGLES), np.cos(ANGLES)))
    x = (wide[:, None] * sin).astype(np.float32)
    z = np.where(cos > 0, front[:, None], back[:, None]) * cos
    tall = np.where(y < 0, y * who.face_length, y * (1 + 0.05 * who.forehead_height))
    tall = tall - 0.8 * who.chin_length * smooth(-3, -11, y)
    rise = 0.3 * np.clip(7.2 - z, 0, 9) * smooth(-4.5, -10, y)[:, None]
    z = z.astype(np.float32)
    return _Grid(x, (tall[:, None] + rise).astype(np.float32), z, smooth(1.0, 5.0, z))


def _move_by_expression(grid: _Grid, who: Identity, how: Expression) -> None:
    """Mouth corners, jaw and cheeks move in the plane of the face."""
    ax, y = np.abs(grid.x), grid.y
    corner = bump(ax, y, who.mouth_width, -who.mouth_drop, 1.3, 1.1) * grid.front
    jaw = jaw_drop(who, how, y) * (0.25 + 0.75 * grid.front)
    lift = cheek_lift(who, how, ax, y) * grid.front
    grid.x = grid.x + np.sign(grid.x) * 0.5 * how.smile * corner
    grid.y = y + (0.35 * how.smile - 0.25 * how.frown) * corner - jaw + lift


def _brow_and_eyes(grid: _Grid, who: Identity, how: Expression) -> Float:
    x, y = np.abs(grid.x), grid.y
    ex, ey, deep = who.eye_spacing, who.eye_height, who.eye_depth
    relief = -(1.0 + 0.45 * (deep - 0.9)) * bump(x, y, ex - 0.1, ey + 0.2, 1.75, 1.05)
    relief -= 0.55 * deep * bump(x, y, ex - 1.7, ey + 0.15, 0.72, 0.95)
    relief += 0.62 * bump(x, y, ex, ey - 0.05, 1.2, 0.72)
    ridge = who.brow_height - 0.1 + 0.35 * how.brows_raised - 0.2 * how.frown
    relief += (0.25 + 0.5 * who.brow_ridge) * bump(x, y, 2.9, ridge, 2.1, 0.65)
    relief += 0.25 * who.eye_bags * who.age * bump(x, y, ex - 0.1, ey - 1.25, 1.2, 0.3)
    return relief


def _cheeks(grid: _Grid, who: Identity, how: Expression) -> Float:
    x, y = np.abs(grid.x), grid.y
    relief = (0.25 + 0.45 * who.cheekbones) * bump(x, y, 4.9, -2.4, 1.7, 1.2)
    relief += 0.5 * how.smile * bump(x, y, 3.9, -3.6, 1.3, 1.0)
    relief -= (0.1 + 0.45 * who.cheek_hollow) * bump(x, y, 4.7, -6.3, 1.4, 1.6)
    relief -= 0.3 * bump(x, y, 7, 3.2, 1.2, 1.6)
    mouth = mouth_curves(who, how, np.zeros(1, np.float32))
    top, bottom = nose_tip_y(who) + 0.3, -who.mouth_drop
    down = np.clip((top - y) / (top - bottom), 0, 1.2)
    fold = (who.nose_width + 0.5) + (mouth.half_width + 0.75 - who.nose_width - 0.5) * down
    depth = 0.16 * (0.2 + 0.5 * who.age + 0.6 * how.smile)
    relief -= (
        depth
        * np.exp(-(((x - fold) / 0.4) ** 2))
        * smooth(top + 0.3, top - 0.7, y)
        * smooth(bottom - 1.2, bottom - 0.2, y)
    )
    return relief


def _nose(grid: _Grid, who: Identity) -> Float:
    """Ridge from between the eyes to the tip, rounded underneath, with two wings."""
    x, y = np.abs(grid.x), grid.y
    root, tip = who.eye_height + 0.6, nose_tip_y(who)
    t = np.clip((root - y) / (root - tip), 0, 1.4)
    down = np.clip(t, 0, 1)
    height = who.nose_bridge + (who.nose_projection - who.nose_bridge) * down**1.4
    height = height * smooth(-0.03, 0.24, (root + 0.6 - y) / (root - tip))
    height = height + who.nose_hump * np.exp(-(((t - 0.42) / 0.18) ** 2))
    under = np.sqrt(np.clip(1 - np.clip((tip + 0.2 - y) / 1.15, 0, 1) ** 2.2, 0, 1))
    ridge = who.bridge_width * 0.95 + (0.12 + 0.42 * who.nose_tip_size) * down**2.2
    base = who.bridge_width * 1.75 + (0.66 * who.nose_width - 0.35) * down**1.4
    profile = 0.5 * np.exp(-((x / ridge) ** 2)) + 0.5 * np.exp(-((x / base) ** 2))
    relief = height * under * profile
    relief += 0.5 * who.nose_tip_size * bump(x, y, 0, tip + 0.05, 0.55, 0.5)
    wing_x, wing_y = who.nose_width - 0.45, tip - 0.1 + who.wing_lift
    relief += 0.66 * np.exp(-(np.abs((x - wing_x) / 0.5) ** 2.2) - np.abs((y - wing_y) / 0.56) ** 2.2)
    relief -= 0.2 * np.exp(-(((x - who.nose_width - 0.2) / 0.26) ** 2) - ((y - wing_y) / 0.5) ** 2)
    relief -= 0.42 * bump(x, y, 0.5 * who.nose_width, tip - 0.6, 0.24, 0.14)
    return np.asarray(relief, np.float32)


def _mouth_and_chin(grid: _Grid, who: Identity, how: Expression) -> Float:
    x, y = grid.x, grid.y
    ax, my = np.abs(x), -who.mouth_drop
    mouth = mouth_curves(who, how, x)
    inside = np.clip(1 - mouth.across**3, 0, 1)
    relief = who.muzzle * bump(x, y, 0, my, 2.7, 1.7)
    relief -= 0.16 * bump(x, y, 0, (nose_tip_y(who) - 0.7 + my + who.upper_lip) / 2, 0.25, 0.5)
    for lip, inner, outer, share in ((who.upper_lip, mouth.inner_upper, mouth.outer_upper, 0.45),
                                     (who.lower_lip, mouth.inner_lower, mouth.outer_lower, 0.55)):  # fmt: skip
        crest = (1 - share) * inner + share * outer
        height = 0.46 * who.lip_protrusion * (0.5 + 0.6 * lip)
        relief += height * np.exp(-(((y - crest) / (0.3 + 0.33 * lip)) ** 2)) * inside
    shut = 1 - smooth(0, 0.2, np.array(how.mouth_open, np.float32))
    relief -= 0.3 * np.exp(-(((y - mouth.middle) / 0.13) ** 2)) * inside * shut
    gap = mouth.inner_upper - mouth.inner_lower
    hollow = smooth(0, 0.25, mouth.inner_upper - y) * smooth(0, 0.25, y - mouth.inner_lower) * smooth(0.02, 0.3, gap)
    relief -= 0.9 * hollow
    relief -= 0.25 * bump(ax, y, mouth.half_width + 0.25, mouth.middle, 0.35, 0.4)
    relief -= 0.42 * bump(x, y, 0, mouth.outer_lower - 0.35, 1.5, 0.42)
    chin = chin_y(who) + 1.05 - 1.4 * how.mouth_open
    relief += 0.45 * bump(x, y, 0, chin, 1.35 * who.chin_width, 0.95)
    cleft = 0.3 * max(who.chin_cleft, 0)
    relief -= cleft * bump(x, y, 0, chin + 0.1, 0.22, 0.5)
    return np.asarray(relief, np.float32)


def crooked(points: Float, who: Identity) -> Float:
    """Points (n, 3) of a symmetric head moved to where no face is symmetric: eye line, nose, mouth and chin."""
    x, y, z = points.T
    front = smooth(1.0, 5.0, z)
    nose = who.nose_bend * front * bump(x, y, 0, nose_tip_y(who) + 0.3, 1.6, 1.5)
    chin = who.jaw_shift * smooth(-5.5, -11, y)
    eyes = who.eye_line * x * front * bump(x, y, 0, 0.8, 9, 2.2)
    mouth = who.mouth_tilt * x * front * bump(x, y, 0, -who.mouth_drop, 3.5, 1.6)
    return np.asarray(np.stack([x + nose + chin, y + eyes + mouth, z], 1), np.float32)


def _outwards(points: Float) -> Float:
    """Unit directions away from the middle of the skull; hair and hats grow along them."""
    x, y, z = np.moveaxis(points, -1, 0)
    away = np.stack([x / 52, np.clip(y - 1.5, 0, None) / 78, z / 85], -1)
    return np.asarray(away / (np.linalg.norm(away, axis=-1, keepdims=True) + 1e-6), np.float32)


def _hairline(who: Identity, style: Style) -> Float:
    """Height (columns,) above which hair grows, around the head."""
    line = who.hairline
    recede = 1.3 * who.receding
    side = {"shaved": -1.2, "short": -1.8}.get(style.hair, -3.2)
    if style.fringe:
        front = [line - 2.3, line - 2.2, line - 2.6, line - 3.6, 1.6]
    else:
        front = [line, line + 0.15 + recede, line - 0.1 + 0.9 * recede, line - 1.9 + 0.3 * recede, 2.0]
    curve = PchipInterpolator([0, 28, 42, 57, 67, 78, 100, 180], [*front, side, -5.0, -7.5])(np.degrees(np.abs(ANGLES)))
    wave = 0.16 * np.sin(5 * ANGLES + 40 * who.marks) + 0.1 * np.sin(13 * ANGLES + 90 * who.marks)
    return np.asarray(curve + wave, np.float32)


VOLUMES = {"shaved": (0.06, 0.0), "short": (0.45, 0.45), "full": (0.7, 1.0), "bob": (0.75, 0.65), "long": (0.75, 0.65)}
"""Thickness of hair at the sides and what is added on top, centimetres."""


def _hair(points: Float, y: Float, who: Identity, style: Style) -> tuple[Float, Float]:
    """Hair cover 0..1 and thickness in centimetres, (rows, columns)."""
    line = _hairline(who, style)
    slope = np.gradient(line, 7 * ANGLES)
    away = (y - line) / np.sqrt(1 + np.minimum(slope**2, 60))
    cover = smooth(-0.35, 0.9, away)
    top = smooth(1.5, 9.5, y)
    sides, crown = VOLUMES[style.hair]
    volume = (sides + crown * top) * (0.45 + 0.55 * who.hair_volume)
    x, z = points[..., 0], points[..., 2]
    flat = [(values * 9 + shift + 400 * who.marks).ravel() for values, shift in ((x + 0.6 * z, 0), (y - 0.5 * z, 131))]
    lumps = sample(coarse(), *flat).reshape(x.shape)
    parting = 1 - 0.45 * np.exp(-(((x - style.parting) / 0.45) ** 2)) * smooth(5.5, 8, y) * (style.hair != "shaved")
    grown = smooth(0.15, 1.9, away)
    return cover, np.asarray(volume * grown * parting * (1 + (0.08 + 0.16 * who.hair_curl) * lumps), np.float32)


def _openness(points: Float, normals: Float) -> Float:
    """Share of ambient light that reaches each point, from how far its surroundings stand out around it."""
    wide = np.concatenate([points[:, -24:], points, points[:, :24]], axis=1)
    hidden = np.zeros(points.shape[:2], np.float32)
    for size, weight in ((7, 0.9), (17, 0.55), (33, 0.35)):
        around = cv2.blur(wide, (size, size))[:, 24:-24]
        hidden += weight * np.clip(((around - points) * normals).sum(-1) / (0.055 * size), -0.15, 1.2)
    return np.asarray(np.clip(1 - 0.62 * hidden, 0.35, 1.06), np.float32)
