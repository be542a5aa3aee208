"""The plane of similarity and copy-paste."""

from __future__ import annotations

from pathlib import Path

from support.reports import MODELS, ORACLES

from idbench.report.data import load
from idbench.report.figures.plane import Planes
from idbench.report.footnotes import Footnotes


def test_plane_places_points_by_their_numbers(run: Path):
    data = load(run)
    first, second = Planes(data, "judge-a", Footnotes.of(data)).all()
    assert {p.model for p in first.points} == set(MODELS)
    assert {p.model for p in second.points if p.oracle} == set(ORACLES)
    by = {p.model: p for p in second.points}
    assert by["oracle-target"].px > by["weak"].px
    assert by["oracle-target"].py > by["oracle-reference"].py
    assert first.line is not None and first.front
    for plane in (first, second):
        assert all(0 <= p.px <= plane.width and 0 <= p.py <= plane.height for p in plane.points)
