"""Boxes that are not x1, y1, x2, y2 in pixels of the target: converted where one form fits, else left out and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.suites import write_manifest

from idbench.images import encode_png
from idbench.suites import open_suite

WIDTH, HEIGHT = 600, 400
FACES = [(40, 60, 140, 200), (420, 100, 540, 260), (250, 180, 330, 290), (500, 20, 580, 130)]
"""Faces all over the picture; x + width or y + height of some lie beyond the edge when read as corners."""


def as_shares(box):
    x1, y1, x2, y2 = box
    return [x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT]


def as_sides(box):
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]


def doubled(box):
    return [2 * edge for edge in box]


def as_rows(box):
    x1, y1, x2, y2 = box
    return [y1, x1, y2, x2]


@pytest.fixture
def suite(tmp_path: Path):
    """A suite of noise with one box per case, as `write` gives it."""
    rng = np.random.default_rng(7)

    def make(write, faces=FACES, **more):
        rows = []
        for i, face in enumerate(faces):
            (tmp_path / f"{i}.png").write_bytes(encode_png(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)))
            person = {"references": [f"{i}.png"], "box": list(write(face))}
            rows.append({"id": f"c{i}", "prompt": "p", "target": f"{i}.png", "people": [person]})
        opened = open_suite(str(write_manifest(tmp_path, rows)))
        return [case.people[0].box for case in opened.cases()], opened.problems

    return make


def test_boxes_as_they_should_be_are_left_alone(suite):
    boxes, problems = suite(tuple)
    assert boxes == [tuple(map(float, face)) for face in FACES] and problems == {}


def test_shares_of_the_target_become_pixels(suite):
    boxes, problems = suite(as_shares)
    assert np.allclose(boxes, FACES)
    assert set(problems) == {"c0", "c1", "c2", "c3"} and "shares of the target's size" in problems["c0"]


@pytest.mark.parametrize("write", [as_sides, as_rows])
def test_another_order_that_alone_fits_all_is_taken(suite, write):
    boxes, problems = suite(write)
    assert np.allclose(boxes, FACES)
    assert len(problems) == 4 and "the one form that fits all" in problems["c2"]


def test_boxes_of_a_larger_image_are_left_out_and_named(suite):
    boxes, problems = suite(doubled)
    assert boxes == [None] * 4
    assert len(problems) == 4 and "another image size?" in problems["c0"]


def test_a_box_over_the_edge_changes_nothing(suite):
    over = [(-30, -20, 90, 120), *FACES[1:], (480, 300, 640, 460)]
    boxes, problems = suite(tuple, over)
    assert np.allclose(boxes, over) and problems == {}


def test_one_broken_box_is_left_out_alone(suite):
    boxes, problems = suite(lambda box: [9, 9, 3, 3] if box == (1, 1, 2, 2) else box, [(1, 1, 2, 2), *FACES * 5])
    assert boxes[0] is None and None not in boxes[1:]
    assert list(problems) == ["c0"] and "box of person 1 ignored" in problems["c0"]


def test_a_turned_target_has_the_size_that_is_seen(suite, tmp_path):
    """EXIF says that the stored 600 x 400 pixels stand as 400 x 600."""
    picture = Image.effect_noise((WIDTH, HEIGHT), 60).convert("RGB")
    exif = Image.Exif()
    exif[274] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    person = {"references": ["turned.jpg"], "box": [0.1, 0.5, 0.3, 0.75]}
    write_manifest(tmp_path, [{"id": "a", "prompt": "p", "target": "turned.jpg", "people": [person]}])
    [case] = open_suite(str(tmp_path)).cases()
    assert case.people[0].box == pytest.approx((40, 300, 120, 450))


def test_shares_of_another_order_become_pixels_where_it_is_clear(suite):
    boxes, problems = suite(lambda box: as_shares(as_sides(box)))
    assert np.allclose(boxes, FACES) and "between 0 and 1 were taken as x, y, width, height" in problems["c0"]


def test_shares_of_an_order_that_is_not_clear_are_left_out(suite):
    central = [(250, 180, 330, 290), (300, 150, 400, 260)]
    boxes, problems = suite(lambda box: as_shares(as_sides(box)), central)
    assert boxes == [None] * 2 and len(problems) == 2
    assert "whether written from a corner or the centre is not clear" in problems["c0"]


def test_shares_without_a_target_are_left_out(tmp_path):
    person = {"references": ["a.jpg"], "box": [0.1, 0.5, 0.3, 0.75]}
    write_manifest(tmp_path, [{"id": "a", "prompt": "p", "people": [person]}])
    opened = open_suite(str(tmp_path))
    assert [case.people[0].box for case in opened.cases()] == [None] and "size is not known" in opened.problems["a"]


@pytest.mark.parametrize(
    ("boxes", "found"),
    [
        ([[40, 60, 140, 200], None], [(40, 60, 140, 200)]),
        ([[40, 60, 140, 200], [0, 0, 0, 0], []], [(40, 60, 140, 200)]),
        ([[40, 60, 140, 200], [420, 100, 540, 260]], [None]),
        ([], [None]),
    ],
)
def test_boxes_beyond_the_people_are_padding_or_a_problem(tmp_path, boxes, found):
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps({"prompt": "p", "bboxes": boxes}))
    for name in ("ori.png", "ref_1.png"):
        (folder / name).write_bytes(encode_png(np.zeros((HEIGHT, WIDTH, 3), np.uint8)))
    opened = open_suite(str(tmp_path))
    [case] = opened.cases()
    assert [person.box for person in case.people] == found
    assert ("expected 1 boxes, found 2" in opened.problems.get("c", "")) == (len(boxes) == 2 and bool(boxes[1]))
