"""What belongs to a person besides the head: ears, neck, clothes, long hair, glasses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from idbench.synthetic.appearance import Style
from idbench.synthetic.identity import Identity
from idbench.synthetic.surfaces import Float, Kind, Part, grid_part, lathe, smooth, tube
from idbench.synthetic.textures import coarse, sample

__all__ = ["build_wardrobe"]


def build_wardrobe(who: Identity, style: Style) -> Iterator[Part]:
    """Every part but the head, in head coordinates."""
    for side in (-1, 1):
        yield _ear(who, side)
    yield _neck(who)
    yield _clothes(who, style)
    if style.hair in ("bob", "long"):
        yield _long_hair(who, style)
    if style.glasses != "none":
        yield from _glasses(who, style)


def _ear(who: Identity, side: int) -> Part:
    """A flat disc with a raised rim and a dent, turned away from the head by its flare."""

    def shape(angle: Float, share: Float) -> tuple[Float, Float, Float]:
        rim = 0.32 * np.exp(-(((share - 0.86) / 0.13) ** 2)) - 0.35 * np.exp(-((share / 0.5) ** 2)) + 0.25
        up = 1.75 * share * np.cos(angle) * who.ear_size * (1 + 0.12 * np.cos(angle))
        back = -1.05 * share * np.sin(angle) * who.ear_size * (1 - 0.15 * np.cos(angle))
        return rim - 0.35 * (share > 0.97), up, back

    points = lathe(14, 28, shape)
    turn = np.radians(18 + 30 * who.ear_flare)
    x, z = points[..., 0].copy(), points[..., 2].copy()
    points[..., 0] = side * (x * np.cos(turn) - z * np.sin(turn) + 7.0 * who.face_width + 0.1)
    points[..., 1] -= 1.1
    points[..., 2] = z * np.cos(turn) + x * np.sin(turn) - 0.9
    openness = np.clip(0.55 + 0.5 * np.linspace(0, 1, 14), 0.45, 1)[:, None]
    return grid_part(Kind.EAR, points, openness=openness.astype(np.float32))


def _neck(who: Identity) -> Part:
    width = (4.4 + 0.9 * (0.5 - who.femininity)) * who.face_width

    def shape(angle: Float, share: Float) -> tuple[Float, Float, Float]:
        wide = width * (1 + 0.24 * (share - 0.4) ** 2 + 0.6 * smooth(0.6, 1, share))
        middle = -2.6 + 1.6 * (1 - share)
        return wide * np.sin(angle), -5.5 - 11.5 * share, middle + 0.8 * wide * np.cos(angle)

    points = lathe(26, 40, shape)
    openness = 0.62 + 0.38 * smooth(0.25, 0.75, np.linspace(0, 1, 26, dtype=np.float32))
    return grid_part(Kind.NECK, points, openness=openness[:, None], two_sided=False, turns=False)


def _clothes(who: Identity, style: Style) -> Part:
    shoulders = 16.5 + 3.0 * (0.5 - who.femininity)

    def shape(angle: Float, share: Float) -> tuple[Float, Float, Float]:
        spread = np.clip(3.0 * share, 0, 1)
        profile = np.sqrt(np.clip(1 - (1 - spread) ** 2, 0, 1))
        wide, deep = 5.3 + (shoulders - 5.3) * profile, 4.6 + 3.8 * profile
        sine = np.sin(angle)
        collar = 1.5 * np.cos(angle) * (1 - spread)
        return wide * np.sign(sine) * np.abs(sine) ** 0.8, -13.0 - 19 * share - collar, -2.2 + deep * np.cos(angle)

    points = lathe(28, 48, shape)
    openness = 0.72 + 0.28 * smooth(0, 0.25, np.linspace(0, 1, 28, dtype=np.float32))
    return grid_part(Kind.CLOTH, points, openness=openness[:, None], turns=False)


def _long_hair(who: Identity, style: Style) -> Part:
    """A curtain around the back of the head, from the cap down, with wisps of uneven length."""
    rows, columns = 44, 96
    edge = np.radians(66)
    down, angle = np.meshgrid(
        np.linspace(0, 1, rows, dtype=np.float32), np.linspace(edge, 2 * np.pi - edge, columns), indexing="ij"
    )
    longest = -9.5 - 3.5 * style.hair_length if style.hair == "bob" else -15 - 6 * style.hair_length
    strand = sample(coarse(), (40 * angle[0] + 500 * who.marks).astype(np.float32), np.zeros(columns, np.float32))
    y = 5.5 + (longest + 0.55 * strand[None] - 5.5) * down
    noise = sample(
        coarse(), (26 * angle + 300 * who.marks).ravel().astype(np.float32), (7 * y).ravel().astype(np.float32)
    ).reshape(y.shape)
    volume = 1.02 + 0.075 * who.hair_volume + 0.07 * np.sin(np.pi * np.clip(down * 1.1, 0, 1))
    volume = volume + (0.012 + 0.03 * who.hair_curl) * noise * smooth(0, 0.3, down)
    tuck = 1 - (0.16 if style.hair == "bob" else 0.1) * smooth(0.6, 1, down)
    wide = 7.4 * who.face_width * volume * tuck * (0.93 + 0.07 * smooth(0, 0.35, down))
    deep = 9.7 * volume * (1 - 0.3 * smooth(0.3, 1, down))
    points = np.stack([wide * np.sin(angle), y, deep * np.cos(angle) - 0.2], -1).astype(np.float32)
    from_edge = np.minimum(angle - edge, 2 * np.pi - edge - angle)
    texture = np.stack([12 * angle, y], -1)
    openness = 0.62 + 0.38 * smooth(0, 0.5, from_edge.astype(np.float32))
    return grid_part(Kind.HAIR, points, wrap=False, texture=texture, hair=1.0, openness=openness)


def _glasses(who: Identity, style: Style) -> Iterator[Part]:
    radius = 0.09 if style.glasses == "thin" else 0.19
    around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wide, tall = 2.3, 1.7
    across = np.sign(np.cos(around)) * np.abs(np.cos(around)) ** 0.75 * wide
    up = np.sign(np.sin(around)) * np.abs(np.sin(around)) ** 0.75 * tall
    centre, level = who.eye_spacing + 0.2, who.eye_height - 0.15
    for side in (-1, 1):
        rim = np.stack([side * (centre + across), level + up, 10.3 - 0.06 * (centre + across) ** 2], -1)
        yield grid_part(Kind.FRAME, *tube(rim, radius, closed=True))
        far = 7.45 * who.face_width
        hinge = 10.3 - 0.06 * (centre + wide) ** 2
        arm = [side * np.linspace(centre + wide, far, 12), np.full(12, level + 0.6), np.linspace(hinge, -1.5, 12)]
        yield grid_part(Kind.FRAME, *tube(np.stack(arm, -1), 0.9 * radius, closed=False))
    inner = centre - wide
    x = np.linspace(-inner, inner, 9)
    bridge = np.stack([x, level + 0.4 + 0.2 * np.cos(x), 10.4 - 0.05 * x**2], -1)
    yield grid_part(Kind.FRAME, *tube(bridge, radius, closed=False))
