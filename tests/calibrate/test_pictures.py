"""Pictures: drawn once, kept with their truth, drawn again where damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from idbench.calibrate.pictures import Drawing, draw
from idbench.models.simulated import imagine, parse_dials
from idbench.synthetic import Picture
from idbench.synthetic import render as render_picture
from idbench.synthetic.plans import plan_cases


def test_a_picture_is_drawn_once_and_kept_with_its_truth(tmp_path: Path):
    plan = plan_cases(1)[0]
    content = (imagine(plan, parse_dials("drift=0.2")).sitters, plan.background, plan.camera, 96, 96)
    stages: list[tuple[str, int, int]] = []
    drawings = {
        ("answer", "a", plan.id): Drawing(render_picture, content),
        ("answer", "b", plan.id): Drawing(render_picture, content),
    }
    drawn = draw(drawings, tmp_path, 1, lambda *stage: stages.append(stage))
    assert stages[-1] == ("pictures drawn", 1, 1) and len(list(tmp_path.glob("*.jpg"))) == 1
    truth = render_picture(*content).faces[0]
    for one in drawn.values():
        assert one.boxes == (tuple(truth.box),)
        np.testing.assert_array_equal(one.landmarks[0], truth.landmarks)

    def never(*given: object) -> Picture:
        raise AssertionError("drawn again")

    never.__module__, never.__qualname__ = render_picture.__module__, render_picture.__qualname__
    again = draw({("view", "x", 0): Drawing(never, content)}, tmp_path, 1, lambda *stage: None)
    assert again["view", "x", 0].path == drawn["answer", "a", plan.id].path
    assert Drawing(render_picture, (*content[:-1], 97)).key != Drawing(render_picture, content).key


@pytest.mark.parametrize("damage", ["picture gone", "picture changed", "note cut"])
def test_a_picture_that_is_no_longer_whole_is_drawn_again(tmp_path, damage):
    plan = plan_cases(1)[0]
    content = (imagine(plan, parse_dials("drift=0.2")).sitters, plan.background, plan.camera, 64, 64)
    drawings = {("answer", "a", plan.id): Drawing(render_picture, content)}
    (drawn,) = draw(drawings, tmp_path, 1, lambda *_: None).values()
    before, note = drawn.path.read_bytes(), drawn.path.with_suffix(".json")
    if damage == "picture gone":
        drawn.path.unlink()
    elif damage == "picture changed":
        drawn.path.write_bytes(before[:-9])
    else:
        note.write_text(note.read_text()[:7])
    (again,) = draw(drawings, tmp_path, 1, lambda *_: None).values()
    assert again.path.read_bytes() == before and (again.landmarks == drawn.landmarks).all()
