"""Grids of several pictures of the same people in one image."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from idbench.faces.types import Detections, Faces
from idbench.protocols.people import CasePeople
from idbench.scoring.sheets import grid_of, is_sheet

ANNA, BEN, STRANGER = np.eye(3, dtype=np.float32)


def people(*vectors):
    targets = tuple(SimpleNamespace(embedding=vector) if vector is not None else None for vector in vectors)
    return CasePeople(targets, ((),) * len(vectors), (None,) * len(vectors), (100, 100))


def image(columns, rows, *vectors, lacking=()):
    """Each tile of 100 pixels shows everybody, save those lacking, a little elsewhere."""
    boxes, embeddings = [], []
    for tile in range(columns * rows):
        for i, vector in enumerate(vectors):
            if (tile, i) not in lacking:
                x, y = 100 * (tile % columns) + 10 + 40 * i + tile, 100 * (tile // columns) + 20 + tile
                boxes.append([x, y, x + 30, y + 40])
                embeddings.append(vector)
    n = len(boxes)
    found = Detections(np.array(boxes, np.float32), np.zeros((n, 5, 2), np.float32), np.ones(n, np.float32))
    return Faces(100 * columns, 100 * rows, found, np.zeros((n, 112, 112), np.uint8), {"r": np.array(embeddings)})


@pytest.mark.parametrize("grid", [(2, 2), (3, 2), (2, 3), (4, 4)])
def test_a_grid_is_found(grid):
    assert grid_of(image(*grid, ANNA), people(ANNA), "r") == grid
    assert grid_of(image(*grid, ANNA, BEN), people(ANNA, BEN), "r") == grid


@pytest.mark.parametrize(
    ("faces", "case"),
    [
        (image(1, 1, ANNA, BEN), people(ANNA, BEN)),
        (image(2, 2, STRANGER), people(ANNA)),
        (image(2, 2, ANNA, lacking=[(3, 0)]), people(ANNA)),
        (image(2, 2, ANNA, BEN, lacking=[(1, 1)]), people(ANNA, BEN)),
        (image(2, 2, ANNA, BEN), people(ANNA, None)),
        (image(4, 1, ANNA), people(ANNA)),
        (None, people(ANNA)),
    ],
    ids=["one picture", "strangers", "three of four", "one without Ben", "Ben unknown", "a row", "no image"],
)
def test_what_is_no_grid(faces, case):
    assert grid_of(faces, case, "r") is None


def strip(*tiles):
    """A row of tiles of 100 pixels, each with its people's faces side by side."""
    rows = [(100 * t + 5 + 45 * i, vector) for t, tile in enumerate(tiles) for i, vector in enumerate(tile)]
    n = len(rows)
    boxes = np.array([[x, 20, x + 30, 60] for x, _ in rows], np.float32)
    found = Detections(boxes, np.zeros((n, 5, 2), np.float32), np.ones(n, np.float32))
    return Faces(
        100 * len(tiles), 100, found, np.zeros((n, 112, 112), np.uint8), {"r": np.array([vector for _, vector in rows])}
    )


def with_references(*vectors):
    references = tuple((SimpleNamespace(embedding=v),) for v in vectors)
    return CasePeople((None,) * len(vectors), references, (None,) * len(vectors), None)


@pytest.mark.parametrize(
    ("tiles", "who", "expected"),
    [
        ([[ANNA], [BEN], [ANNA, BEN]], people(ANNA, BEN), True),
        ([[ANNA], [BEN], [ANNA, STRANGER]], people(ANNA, BEN), True),
        ([[ANNA, BEN]], people(ANNA, BEN), False),
        ([[STRANGER, STRANGER], [ANNA, BEN]], people(ANNA, BEN), True),
        ([[ANNA], [ANNA]], people(ANNA), True),
        ([[ANNA, STRANGER]], people(ANNA), False),
        ([[ANNA], [BEN], [STRANGER]], with_references(ANNA, BEN), True),
        ([[ANNA], [STRANGER]], with_references(ANNA, BEN), False),
        ([[ANNA, BEN]], with_references(ANNA, BEN), False),
    ],
)
def test_strips(tiles, who, expected):
    assert is_sheet(strip(*tiles), who, "r") is expected
