"""Boxes are used where they are boxes of the faces that were found."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from idbench.faces.types import Detections
from idbench.faces.types import Faces as RealFaces
from idbench.images import EncodedImage
from idbench.records import Case, Person
from idbench.scoring.boxes import BoxCheck

LEFT, RIGHT = (10.0, 10.0, 50.0, 60.0), (110.0, 10.0, 150.0, 60.0)


class Faces(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.found.boxes)


def side(case_id, boxes, faces):
    photo = EncodedImage("r", data=b"")
    found = Faces(
        found=SimpleNamespace(boxes=np.array(faces, np.float64).reshape(-1, 4)), width=200, height=100, embeddings={}
    )
    people = tuple(Person((photo,), box=box) for box in boxes)
    return SimpleNamespace(case=Case(case_id, "p", people), target=SimpleNamespace(faces=found))


def problems(*sides):
    check = BoxCheck()
    for one in sides:
        check.look_at(one)
    return dict(check.problems())


def good(case_id="good"):
    return side(case_id, [LEFT, RIGHT], [LEFT, RIGHT])


def test_boxes_of_faces_and_of_whole_people_are_used():
    body = (0.0, 5.0, 60.0, 100.0)
    assert (
        problems(good(), side("bodies", [body], [LEFT]), side("no face", [LEFT], []), side("none", [None], [LEFT]))
        == {}
    )


def test_a_box_without_a_face_is_named_alone():
    found = problems(good(), side("half", [LEFT, RIGHT], [LEFT]))
    assert list(found) == ["half"] and "box of person 2 was not used" in found["half"]


def test_two_people_in_one_box_are_told_apart_without_it():
    whole = (0.0, 0.0, 200.0, 100.0)
    found = problems(good(), side("one", [LEFT, LEFT], [LEFT, RIGHT]), side("whole", [whole, whole], [LEFT, RIGHT]))
    assert list(found) == ["one", "whole"] and all(
        "person 1 and person 2 are nearly the same" in why for why in found.values()
    )


def test_a_case_whose_boxes_touch_no_face_is_named():
    elsewhere = [(160.0, 70.0, 190.0, 95.0)]
    assert list(problems(good(), good("again"), side("strange", elsewhere, [LEFT]))) == ["strange"]


def test_where_most_boxes_fit_no_face_none_is_used():
    """Boxes for an image half as large: one of them touches the wrong person's face."""
    halved = [tuple(edge / 2 for edge in box) for box in (LEFT, RIGHT)]
    found = problems(*(side(name, halved, [LEFT, RIGHT]) for name in "abc"))
    assert list(found) == ["a", "b", "c"] and "0 of the suite's 6 boxes fit" in found["a"]


def test_a_box_in_which_several_faces_lie_says_not_where_its_person_is():
    whole = (0.0, 0.0, 200.0, 100.0)
    found = problems(good(), side("whole", [LEFT, whole], [LEFT, RIGHT]), side("alone", [whole], [LEFT, RIGHT]))
    assert list(found) == ["whole"] and "in that of person 2 lie several faces" in found["whole"]


@pytest.mark.parametrize(("boxed", "used"), [((0.0, 1.0), False), ((0.5, 0.8), True)])
def test_the_box_of_a_bystander_is_not_used(boxed, used):
    """The one person's face is the right one; that in the box is a stranger's, or may be theirs too."""
    vectors = np.float32([boxed, (1.0, 0.0)])
    one = side("one", [LEFT], [LEFT, RIGHT])
    one.target.faces = faces_of([LEFT, RIGHT], vectors)
    one.target.digest = "t"
    one.references = [[SimpleNamespace(digest="r", faces=faces_of([LEFT], np.float32([(1.0, 0.0)])))]]
    found = problems(good(), one)
    assert not found if used else "another face of the target is clearly the person" in found["one"]


def faces_of(boxes, vectors):
    n = len(boxes)
    found = Detections(np.float32(boxes), np.zeros((n, 5, 2), np.float32), np.ones(n, np.float32))
    return RealFaces(200, 100, found, np.zeros((n, 112, 112), np.uint8), {"r": vectors})
