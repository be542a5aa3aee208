"""Curves of a calibration by their means."""

from __future__ import annotations

import numpy as np

from idbench.calibrate.curves import Curve, Point


def curve(*means: float | None, half: float | None = 0.1) -> Curve:
    points = [
        Point(at, mean, None if mean is None or half is None else mean - half, None if mean is None or half is None else mean + half, 9)
        for at, mean in zip(np.linspace(0, 1, len(means)), means, strict=True)
    ]  # fmt: skip
    return Curve("judge", "sweep", "dial", "metric", tuple(points))
