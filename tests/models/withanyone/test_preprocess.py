"""Cutting faces and fitting boxes for WithAnyone: against the published functions, and what they promise."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from idbench.models.withanyone.preprocess import (
    FACE_SIZE,
    face_crop,
    fit_boxes,
    grow_square,
    square_crop,
    square_crop_of_two,
    target_boxes,
)


@pytest.fixture(scope="module")
def published(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "preprocess_golden.json").read_text())


def flat(boxes: Any) -> list[float]:
    return [number for box in boxes for number in box]


@pytest.mark.golden
def test_face_crops(published):
    for case in published["extract_moref"]:
        size = (case["width"], case["height"])
        if case["crop"] is None:
            with pytest.raises(ValueError, match="face box"):
                grow_square(case["bbox"], *size)
        else:
            assert grow_square(case["bbox"], *size) == tuple(case["crop"]), case
            assert case["out_size"] == [FACE_SIZE, FACE_SIZE]
            assert int(case["filter"]) == Image.Resampling.LANCZOS


@pytest.mark.golden
def test_square_crops_around_all_faces(published):
    for case in published["general_resize"]:
        rng = random.Random(case["python_random_seed"])
        crop, boxes = square_crop(case["width"], case["height"], case["bboxes"], 512, rng)
        assert (list(crop), flat(boxes)) == (case["crop"], flat(case["new_bboxes"])), case


@pytest.mark.golden
def test_square_crops_around_two_faces(published):
    for case in published["two_face_resize"]:
        rng = random.Random(case["python_random_seed"])
        found = square_crop_of_two(case["width"], case["height"], case["bboxes"], 512, rng)
        if case["new_bboxes"] is None:
            assert found is None, case
        else:
            crop, boxes = found
            assert (list(crop), flat(boxes)) == (case["crop"], flat(case["new_bboxes"])), case


@pytest.mark.golden
def test_boxes_from_detections(published):
    for case in published["locate_bboxes"]:
        rng = random.Random(case["python_random_seed"])
        found = target_boxes(case["width"], case["height"], case["detections"], 512, rng)
        assert flat(found) == flat(case["bboxes"]), case


@pytest.mark.golden
def test_boxes_fitted_to_other_sizes(published):
    for case in published["resize_bbox"]:
        assert flat(fit_boxes([case["bbox"]], tuple(case["ori"]), tuple(case["new"]))) == case["expected"], case


def test_a_face_crop_shows_the_face_alone():
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[20:60, 30:70] = (200, 100, 50)
    crop = face_crop(Image.fromarray(pixels), (40.0, 20.0, 60.0, 60.0))
    assert crop.size == (FACE_SIZE, FACE_SIZE)
    assert np.array_equal(np.unique(np.asarray(crop).reshape(-1, 3), axis=0), [(200, 100, 50)])


@pytest.mark.parametrize("box", [(10, 10, 10.5, 40), (130, 10, 150, 30), (10, 90, 30, 95), (30, 30, 20, 20)])
def test_a_box_without_a_face_is_refused(box):
    with pytest.raises(ValueError, match="expected a face box of a pixel or more inside 120x80, found"):
        grow_square(box, 120, 80)


SIDE = st.integers(20, 300)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    """Width, height, and up to three faces inside."""
    width, height = draw(SIDE), draw(SIDE)
    corners = st.tuples(st.integers(0, width - 5), st.integers(0, height - 5))
    faces = [
        (x, y, draw(st.integers(x + 4, width)), draw(st.integers(y + 4, height)))
        for x, y in draw(st.lists(corners, min_size=1, max_size=3))
    ]
    return width, height, faces


@settings(deadline=None)
@given(pictures())
def test_a_grown_box_is_square_unless_the_edge_cuts_it(picture):
    width, height, faces = picture
    for x1, y1, x2, y2 in faces:
        left, top, right, bottom = grow_square((x1, y1, x2, y2), width, height)
        assert left <= x1 < x2 <= right
        assert top <= y1 < y2 <= bottom
        if left > 0 and right < width and top > 0 and bottom < height:
            assert right - left == bottom - top == max(x2 - x1, y2 - y1)


@settings(deadline=None)
@given(pictures(), st.integers(0, 5))
def test_a_square_crop_is_the_largest_one_and_keeps_faces_that_fit(picture, seed):
    width, height, faces = picture
    side = min(width, height)
    (left, top, right, bottom), boxes = square_crop(width, height, faces, 512, random.Random(seed))
    assert right - left == bottom - top == side
    assert 0 <= left <= right <= width
    assert 0 <= top <= bottom <= height
    assert all(0 <= x1 <= x2 <= 512 and 0 <= y1 <= y2 <= 512 for x1, y1, x2, y2 in boxes)
    axis = 0 if width > height else 1
    if max(face[axis + 2] for face in faces) - min(face[axis] for face in faces) <= side:
        assert all(left <= x1 and top <= y1 and x2 <= right and y2 <= bottom for x1, y1, x2, y2 in faces)
        scale = 512 / side
        for (x1, y1, x2, y2), box in zip(faces, boxes, strict=True):
            expected = ((x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale, (y2 - top) * scale)
            assert box == pytest.approx(expected, abs=1)


def test_where_the_crop_lies_hangs_on_the_generator_alone():
    faces = [(290, 50, 330, 90)]
    places = [square_crop(900, 200, faces, 512, random.Random(seed))[0] for seed in range(20)]
    state = random.getstate()
    assert places == [square_crop(900, 200, faces, 512, random.Random(seed))[0] for seed in range(20)]
    assert random.getstate() == state
    assert len(set(places)) > 5
    with pytest.raises(ValueError, match="one face box or more"):
        square_crop(900, 200, [], 512, random.Random(0))


def test_fitting_boxes_keeps_their_shape_and_centres_the_canvas():
    assert fit_boxes([(10, 20, 30, 60)], (100, 100), (200, 200)) == [(20, 40, 60, 120)]
    assert fit_boxes([(0, 0, 100, 100)], (100, 100), (400, 200)) == [(100, 0, 300, 200)]
    assert fit_boxes([(0, 0, 100, 50)], (100, 50), (100, 100)) == [(0, 25, 100, 75)]
    assert fit_boxes([], (100, 50), (100, 100)) == []
