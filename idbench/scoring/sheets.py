"""Contact sheets: several pictures of the same people in one image, in rows and columns or side by side."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from idbench.faces.types import Faces
from idbench.metrics import cosine_matrix
from idbench.protocols.people import MIN_LIKENESS, CasePeople, usable_faces

__all__ = ["WIDE", "grid_of", "is_sheet"]

MAX_TILES = 8
"""Most rows, and most columns, that are looked for."""


SAME_PHOTO = 0.9
"""Cosine from which two faces may be one photo, encoded or scaled anew: found again on real-mini, .96 at least."""

WIDE = 1.9
"""How many times longer than high, or higher than long, an image of several side by side is."""


def is_sheet(faces: Faces | None, people: CasePeople, recognizer: str) -> bool:
    """Whether an image holds several pictures: everybody several times in an unlikely shape, a grid, a strip that shows
    somebody in two tiles, or a strip in which the reference photos lie beside what was made of them."""
    if faces is None:
        return False
    return (
        _repeats(faces, people)
        or grid_of(faces, people, recognizer) is not None
        or _is_strip(faces, people, recognizer)
        or _holds_references(faces, people, recognizer)
    )


def _repeats(faces: Faces, people: CasePeople) -> bool:
    """Whether an image with twice the faces is very wide or high, or a multiple of its target's shape."""
    if len(faces) < 2 * len(people):
        return False
    shape = faces.width / faces.height
    target = people.size[0] / people.size[1] if people.size is not None else shape
    times = max(shape / target, target / shape)
    multiple = round(times) >= 2 and abs(times / round(times) - 1) < 0.05
    return max(shape, 1 / shape) >= WIDE or multiple


def _is_strip(faces: Faces, people: CasePeople, recognizer: str) -> bool:
    """Whether there are twice the faces of a group, and somebody is in two tiles of a row that cut no face."""
    found = usable_faces(faces, recognizer)
    if len(people) < 2 or len(found) < 2 * len(people):
        return False
    boxes = np.array([face.box for face in found]).reshape(-1, 2, 2) / (faces.width, faces.height)
    vectors = [face.embedding for face in found]
    for anchor in (anchor for i in range(len(people)) if (anchor := people.anchor(i)) is not None):
        alike = cosine_matrix(vectors, [anchor])[:, 0] >= MIN_LIKENESS
        for axis, tiles in product((0, 1), range(2, MAX_TILES + 1)):
            at = np.clip((boxes[:, :, axis] * tiles).astype(int), 0, tiles - 1)
            if (at[:, 0] == at[:, 1]).all() and len(set(at[alike, 0])) > 1:
                return True
    return False


def _holds_references(faces: Faces, people: CasePeople, recognizer: str) -> bool:
    """Whether a wide or high image shows everybody as in their reference, and more faces."""
    shape = faces.width / faces.height
    found = usable_faces(faces, recognizer)
    if max(shape, 1 / shape) < WIDE or len(found) <= len(people) or not all(people.references):
        return False
    vectors = [face.embedding for face in found]
    likeness = (cosine_matrix(vectors, [face.embedding for face in own]).max() for own in people.references)
    return all(one >= SAME_PHOTO for one in likeness)


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
