"""Light on a painted surface, in linear light: a key with a soft shadow, and what the surroundings return."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from idbench.synthetic.appearance import Light
from idbench.synthetic.paint import Coat
from idbench.synthetic.surfaces import Float

__all__ = ["key_direction", "lit_vertices", "shade"]

CELL = 0.34
"""Size of a shadow map cell, centimetres."""
MAP = (170, 190)


def key_direction(light: Light) -> Float:
    """Unit vector (3,) towards the key light."""
    a, e = np.radians([light.azimuth, light.elevation])
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], np.float32)


def lit_vertices(points: Float, casts: npt.NDArray[np.bool_], key: Float) -> Float:
    """Share 0..1 of the key light that reaches each point (n,), from depths seen by the light."""
    across = np.cross([0, 1, 0], key)
    across = (across / np.linalg.norm(across)).astype(np.float32)
    up = np.cross(key, across).astype(np.float32)
    columns, rows = MAP
    column = np.clip((points @ across + 0.5 * columns * CELL) / CELL, 0, columns - 1)
    row = np.clip((points @ up + 0.55 * rows * CELL) / CELL, 0, rows - 1)
    depth = points @ key
    nearest = np.full(rows * columns, -1e3, np.float32)
    cells = row.astype(np.int32) * columns + column.astype(np.int32)
    np.maximum.at(nearest, cells[casts], depth[casts])
    square = np.ones((3, 3), np.uint8)
    nearest = cv2.erode(cv2.dilate(nearest.reshape(rows, columns), square), square)
    hidden = np.zeros(len(points), np.float32)
    taps = ((0, 0), (1.1, 0.4), (-1.1, -0.4), (0.4, -1.1), (-0.4, 1.1))
    for dx, dy in taps:
        r, c = np.clip(row + dy, 0, rows - 1).astype(np.int32), np.clip(column + dx, 0, columns - 1).astype(np.int32)
        hidden += np.clip((nearest[r, c] - depth - 0.55) / 0.7, 0, 1)
    return np.asarray(np.clip(1 - hidden / len(taps), 0, 1), np.float32)


def shade(
    coat: Coat, normals: Float, views: Float, lit: Float, openness: Float, light: Light, turn: Float, skin_tone: float
) -> Float:
    """Radiance (n, 3) of every spot towards the camera.

    normals, views: unit (n, 3); lit, openness (n,): share of key and ambient light that arrive; `turn` the
    head's rotation (3, 3), for the eyeballs; `skin_tone` sets how bright the face is exposed.
    """
    key = key_direction(light)
    eye = coat.eye[:, None]
    ball = np.stack([0.75 * coat.eye_u, 0.5 * coat.eye_v, np.ones_like(coat.eye)], 1) @ turn.T
    normals = _unit(normals * (1 - eye) + _unit(ball) * eye)
    toward = normals @ key
    wrap = np.where(coat.skin > 0, np.float32(0.22), np.float32(0.08))
    diffuse = _wrapped(toward, wrap)
    # Light scattered under the skin: the edge of a shadow is softer and redder.
    reach = (
        np.where(coat.skin > 0, np.float32(1.7), np.float32(1)),
        np.where(coat.skin > 0, np.float32(0.8), np.float32(1)),
    )
    bands = np.stack([_wrapped(toward, wrap * reach[0]), diffuse, _wrapped(toward, wrap * reach[1])], 1)
    shadow = np.stack([lit**0.75, lit, lit**1.1], 1)
    warm = np.array([1.05 + 0.12 * light.warmth, 1.0, 0.94 - 0.22 * light.warmth], np.float32)
    direct = bands * shadow * warm * (1.55 * light.strength) * (0.45 + 0.55 * np.clip(openness, 0, 1))[:, None]
    sky = 0.62 + 0.38 * normals[:, 1] + 0.35 * np.clip(normals @ np.array([-0.8 * key[0], 0.1, 0.75], np.float32), 0, 1)
    floor = 0.42 * np.clip(0.15 - normals[:, 1], 0, 1)
    ambient = sky[:, None] * np.array([0.98, 1, 1.04], np.float32) + floor[:, None] * np.array(
        [1.15, 0.92, 0.82], np.float32
    )
    ambient *= (1.05 * light.ambient * openness)[:, None]
    facing = np.clip((normals * views).sum(1), 0, 1)
    highlight = np.clip((normals * _unit(views + key)).sum(1), 0, 1) ** coat.gloss
    fresnel = 0.35 + 0.65 * (1 - facing) ** 4
    mirror = 0.12 * coat.specular * highlight * (coat.gloss + 8) * lit * (toward > 0) * fresnel
    radiance = coat.colour * (direct + ambient) + (mirror * light.strength * np.sqrt(np.clip(openness, 0, 1)))[:, None]
    radiance *= 1 + (0.10 * (1 - facing) ** 3 * coat.skin)[:, None]
    radiance += (0.9 * coat.glint)[:, None]
    goal = 0.30 - 0.13 * skin_tone
    level = float(radiance[coat.skin > 0].mean()) if (coat.skin > 0).any() else goal
    return np.asarray(radiance * np.clip((goal / max(level, 1e-3)) ** 0.6, 0.6, 1.5), np.float32)


def _unit(vectors: Float) -> Float:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6), np.float32)


def _wrapped(toward: Float, wrap: Float) -> Float:
    return np.clip((toward + wrap) / (1 + wrap), 0, 1)
