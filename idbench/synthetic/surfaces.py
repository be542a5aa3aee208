"""Triangle meshes from regular grids, and small helpers of smooth geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Float", "Kind", "Part", "bump", "grid_normals", "grid_part", "lathe", "rotation", "smooth", "tube"]

Float = npt.NDArray[np.floating[Any]]
Int = npt.NDArray[np.int32]


class Kind(IntEnum):
    """What a surface is made of."""

    HEAD = 0
    EAR = 1
    NECK = 2
    CLOTH = 3
    HAIR = 4
    FRAME = 5


@dataclass(frozen=True)
class Part:
    """One mesh in head coordinates (centimetres).

    points, normals (n, 3); triangles (m, 3) int32; `texture` (n, 2) coordinates that stick to the skin or cloth;
    hair, hat, openness (n,): share of hair and hat cover, and of ambient light that arrives;
    `two_sided` surfaces are seen from behind too; `turns` says whether the part follows the head.
    """

    kind: Kind
    points: Float
    normals: Float
    triangles: Int
    texture: Float
    hair: Float
    hat: Float
    openness: Float
    two_sided: bool
    turns: bool


def smooth(low: float | Float, high: float | Float, x: Float) -> Float:
    """Smooth step from 0 at `low` to 1 at `high` (or down, if `high` < `low`)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def bump(x: Float, y: Float, cx: float | Float, cy: float | Float, sx: float, sy: float) -> Float:
    """Gaussian hill of height 1 at (cx, cy)."""
    return np.asarray(np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)), np.float32)


def rotation(yaw: float, pitch: float, roll: float) -> Float:
    """Rotation matrix (3, 3), degrees: yaw to the viewer's right, pitch upwards, roll clockwise as seen."""
    a, b, c = np.radians([yaw, -pitch, -roll])
    about_y = [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    about_z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    return np.asarray(np.array(about_z) @ np.array(about_y) @ np.array(about_x), np.float32)


def grid_triangles(rows: int, columns: int, wrap: bool) -> Int:
    """Two triangles per cell of a (rows, columns) grid; `wrap` joins the last column to the first."""
    row = np.arange(rows - 1)[:, None]
    column = np.arange(columns if wrap else columns - 1)[None]
    a, b = row * columns + column, row * columns + (column + 1) % columns
    c, d = a + columns, b + columns
    pairs = [np.stack(corner, -1).reshape(-1, 3) for corner in ((a, c, b), (b, c, d))]
    return np.concatenate(pairs).astype(np.int32)


def grid_normals(points: Float, wrap: bool) -> Float:
    """Unit normals (rows, columns, 3) of a grid of points."""
    across = np.roll(points, -1, 1) - np.roll(points, 1, 1) if wrap else np.gradient(points, axis=1)
    down = np.gradient(points, axis=0)
    normals = np.cross(down, across)
    return np.asarray(normals / (np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9), np.float32)


def grid_part(
    kind: Kind,
    points: Float,
    normals: Float | None = None,
    *,
    wrap: bool = True,
    texture: Float | None = None,
    hair: Float | float = 0.0,
    hat: Float | float = 0.0,
    openness: Float | float = 1.0,
    two_sided: bool = True,
    turns: bool = True,
) -> Part:
    """A part from a grid of points (rows, columns, 3); what is not given is constant."""
    rows, columns = points.shape[:2]
    if normals is None:
        normals = grid_normals(points, wrap)

    def each(values: Float | float) -> Float:
        return np.broadcast_to(np.asarray(values, np.float32), (rows, columns)).reshape(-1)

    anchors = points[..., :2] if texture is None else texture
    return Part(
        kind,
        points.reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        grid_triangles(rows, columns, wrap),
        anchors.reshape(-1, 2).astype(np.float32),
        each(hair),
        each(hat),
        each(openness),
        two_sided,
        turns,
    )


def lathe(rows: int, columns: int, shape: Callable[[Float, Float], tuple[Float, Float, Float]]) -> Float:
    """Grid (rows, columns, 3) of `shape(angle, share)`: angle 0..2 pi around, share 0..1 down."""
    share, angle = np.meshgrid(
        np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    return np.stack(np.broadcast_arrays(*shape(angle.astype(np.float32), share.astype(np.float32))), -1).astype(
        np.float32
    )


def tube(line: Float, radius: float, closed: bool, sides: int = 6) -> tuple[Float, Float]:
    """Points and normals (n, sides, 3) of a wire along `line` (n, 3)."""
    tangent = np.roll(line, -1, 0) - np.roll(line, 1, 0) if closed else np.gradient(line, axis=0)
    tangent = tangent / (np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9)
    first = np.cross(tangent, [0.0, 0.0, 1.0])
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-6
    second = np.cross(tangent, first)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    normals = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    points = line[:, None] + radius * normals
    if closed:
        points, normals = (np.concatenate([grid, grid[:1]]) for grid in (points, normals))
    return points.astype(np.float32), normals.astype(np.float32)
