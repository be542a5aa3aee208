"""Figures of the calibration page."""

from __future__ import annotations

import numpy as np
from support.curves import curve

from idbench.calibrate.figures import Series, histogram, line_figure


def test_figures_stay_inside_and_leave_out_what_is_not_measured():
    figure = line_figure("t", "x", "y", [Series("s", curve(0.1, None, 0.9).points)], zone=(0.2, 0.4))
    (line,) = figure.lines
    assert len(line.dots) == 2 and "nan" not in line.path + line.area
    for x, y, _ in line.dots:
        assert figure.xaxis.start <= x <= figure.xaxis.end and figure.yaxis.end <= y <= figure.yaxis.start
    assert figure.zone is not None and figure.zone[0] < figure.zone[1]


def test_a_flat_curve_looks_flat():
    figure = line_figure("t", "x", "y", [Series("s", curve(0.500, 0.502, half=None).points)])
    (_, first, _), (_, second, _) = figure.lines[0].dots
    assert abs(first - second) < 3


def test_nothing_measured_still_gives_axes():
    figure = line_figure("t", "x", "y", [Series("s", curve(None, None).points)])
    assert figure.lines[0].path == "" and figure.yaxis.ticks
    assert histogram("t", "x", [("a", np.empty(0)), ("b", np.ones(3))], None) is None
