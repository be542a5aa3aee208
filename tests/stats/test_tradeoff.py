"""Pareto front, hypervolume and distances from the line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from idbench import stats


def test_pareto_front_hypervolume_and_line_by_hand():
    x, y = [0.2, 0.5, 0.4, 0.6], [0.1, 0.3, 0.4, 0.3]
    assert stats.pareto_front(x, y) == [0, 3]
    assert stats.hypervolume(x, y) == pytest.approx(0.2 * 0.9 + 0.4 * 0.7)
    assert stats.hypervolume([-0.1], [0.5]) == 0
    on_line = stats.line_distances([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.0])
    assert on_line[3] == pytest.approx(-0.4 / math.sqrt(2))
    assert np.isnan(stats.line_distances([0.1, 0.2, 0.3], [0, 0, 0])).all()
