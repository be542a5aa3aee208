"""Views of a head by yaw."""

from __future__ import annotations

import pytest

from idbench.calibrate.views import View, seen_by_yaw


def test_views_that_are_not_found_have_no_error_and_count():
    views = [
        View(0, True, 0, 0.02, {"j": 1.0}),
        View(0, True, 1, 0.04, {"j": 1.0}),
        View(50, True, 0, 0.1, {"j": 0.4}),
        View(50, False, 0, None, {}),
    ]
    ahead, turned = seen_by_yaw(views, ["j"])
    assert (ahead.found, ahead.surplus, ahead.landmark_error) == (1.0, 0.5, pytest.approx(0.03))
    assert (turned.found, turned.landmark_error, turned.similarity) == (0.5, 0.1, {"j": 0.4})
