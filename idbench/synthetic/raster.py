"""Which triangle each pixel sees: a depth buffer in array operations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from idbench.synthetic.surfaces import Float, Int

__all__ = ["Fragments", "rasterise"]


@dataclass(frozen=True)
class Fragments:
    """Covered pixels: flat pixel index (n,), the triangle's corners (n, 3) and barycentric weights (n, 3)."""

    pixels: npt.NDArray[np.int64]
    corners: Int
    weights: Float

    def interpolate(self, values: Float) -> Float:
        """Vertex attributes (vertices, k) at the covered pixels (n, k)."""
        a, b, c = (values[self.corners[:, i]] * self.weights[:, i : i + 1] for i in range(3))
        return np.asarray(a + b + c, np.float32)


def rasterise(screen: Float, depth: Float, triangles: Int, width: int, height: int) -> Fragments:
    """Draw triangles (m, 3) of points at `screen` (n, 2) pixels and `depth` (n,), nearest first.

    Every candidate pixel of every triangle's bounding box is tested at once; float32 throughout, so that
    the depths compared are the depths stored.
    """
    x, y = (screen[:, i][triangles] - np.float32(0.5) for i in (0, 1))
    left, right = np.maximum(np.ceil(x.min(1)), 0), np.minimum(np.floor(x.max(1)), width - 1)
    top, bottom = np.maximum(np.ceil(y.min(1)), 0), np.minimum(np.floor(y.max(1)), height - 1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    drawn = np.flatnonzero((right >= left) & (bottom >= top) & (np.abs(area) > 1e-6))
    x, y, area, corners = x[drawn], y[drawn], area[drawn], triangles[drawn]
    left, top = left[drawn].astype(np.int32), top[drawn].astype(np.int32)
    columns = right[drawn].astype(np.int32) - left + 1
    counts = columns * (bottom[drawn].astype(np.int32) - top + 1)
    owner = np.repeat(np.arange(len(drawn), dtype=np.int32), counts)
    offset = np.arange(len(owner), dtype=np.int32) - np.repeat((np.cumsum(counts) - counts).astype(np.int32), counts)
    row, column = np.divmod(offset, columns[owner])
    px, py = left[owner] + column, top[owner] + row
    dx, dy = px - x[owner, 0], py - y[owner, 0]
    # Barycentric weights are affine in the pixel's position.
    inverse = 1 / area
    ax, ay = (y[:, 2] - y[:, 0]) * inverse, -(x[:, 2] - x[:, 0]) * inverse
    bx, by = -(y[:, 1] - y[:, 0]) * inverse, (x[:, 1] - x[:, 0]) * inverse
    second, third = ax[owner] * dx + ay[owner] * dy, bx[owner] * dx + by[owner] * dy
    inside = np.flatnonzero((second >= -1e-4) & (third >= -1e-4) & (second + third <= 1.0001))
    owner, second, third = owner[inside], second[inside].astype(np.float32), third[inside].astype(np.float32)
    pixel = py[inside].astype(np.int64) * width + px[inside]
    z = depth[corners]
    distance = (z[owner, 0] + second * (z[owner, 1] - z[owner, 0]) + third * (z[owner, 2] - z[owner, 0])).astype(
        np.float32
    )
    nearest = np.full(width * height, np.inf, np.float32)
    np.minimum.at(nearest, pixel, distance)
    seen = np.flatnonzero(distance <= nearest[pixel])
    pixels, first = np.unique(pixel[seen], return_index=True)
    seen = seen[first]
    weights = np.stack([1 - second[seen] - third[seen], second[seen], third[seen]], -1)
    return Fragments(pixels, corners[owner[seen]], weights)
