"""Assignment of faces, overlap of boxes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import seeds

from idbench import metrics


@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_match_is_the_best_of_all_assignments(seed, n, m):
    matrix = np.random.default_rng(seed).normal(size=(n, m))
    pairs = metrics.match(matrix)
    assert len(pairs) == min(n, m)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    wide = matrix if n <= m else matrix.T
    best = max(
        sum(wide[i, c] for i, c in enumerate(columns)) for columns in permutations(range(wide.shape[1]), len(wide))
    )
    assert sum(matrix[i, j] for i, j in pairs) == pytest.approx(best)


def test_match_refuses_what_cannot_be_compared():
    with pytest.raises(ValueError, match="finite"):
        metrics.match([[np.nan, 1.0]])


def test_iou_by_hand():
    assert metrics.iou_matrix([[0, 0, 2, 2]], [[1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]]).tolist() == [
        [pytest.approx(1 / 7), 1.0, 0.0]
    ]


def test_in_slot_takes_the_face_nearest_to_the_box():
    faces = [[0, 0, 10, 10], [50, 0, 60, 10]]
    assert metrics.in_slot(0, faces, [2, 2, 12, 12])
    assert not metrics.in_slot(1, faces, [2, 2, 12, 12])
