"""Contact sheets: several pictures of the same people in one image, in rows and columns."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from idbench.faces.types import Faces
from idbench.metrics import cosine_matrix
from idbench.protocols.people import MIN_LIKENESS, CasePeople, usable_faces

__all__ = ["grid_of"]

MAX_TILES = 8
"""Most rows, and most columns, that are looked for."""


def grid_of(faces: Faces | None, people: CasePeople, recognizer: str) -> tuple[int, int] | None:
    """Columns and rows of the finest grid, of two at least, in every tile of which each person of the case has a face.

    None where there is no such grid, or where it is not known what a person looks like.
    """
    found = usable_faces(faces, recognizer)
    anchors = [anchor for i in range(len(people)) if (anchor := people.anchor(i)) is not None]
    if faces is None or len(found) < 4 * len(people) or len(anchors) < len(people):
        return None
    alike = cosine_matrix([face.embedding for face in found], anchors) >= MIN_LIKENESS
    centres = np.array([face.box.reshape(2, 2).mean(axis=0) for face in found]) / (faces.width, faces.height)
    sides = range(2, MAX_TILES + 1)
    grids = sorted(product(sides, sides), key=lambda grid: -grid[0] * grid[1])
    return next((grid for grid in grids if _fills(centres, alike, grid)), None)


def _fills(centres: npt.NDArray[np.float64], alike: npt.NDArray[np.bool_], grid: tuple[int, int]) -> bool:
    """Whether every tile holds a face of each person: centres (n, 2) in shares of the image, alike (n, people)."""
    columns, rows = grid
    if columns * rows * alike.shape[1] > len(centres):
        return False
    at = np.clip((centres * grid).astype(int), 0, (columns - 1, rows - 1))
    shown = np.zeros((columns, rows, alike.shape[1]), bool)
    np.logical_or.at(shown, (at[:, 0], at[:, 1]), alike)
    return bool(shown.all())
