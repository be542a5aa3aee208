"""Who is in target and references: by likeness where it is clear, open where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from idbench.faces.types import Analysis, Detections, Faces
from idbench.protocols.people import case_people, clear_matches

NAMES = ["anna", "ben", "carl", "dora"]


def vector(who: str, other: str | None = None, mix: float = 0.0) -> np.ndarray:
    """A unit vector of one person, or one that leans to another."""
    made = np.eye(8, dtype=np.float32)[NAMES.index(who)] * np.float32(np.sqrt(1 - mix**2))
    if other is not None:
        made = made + np.eye(8, dtype=np.float32)[NAMES.index(other)] * np.float32(mix)
    return made


def photo(name: str, *faces: str | np.ndarray, sizes: tuple[int, ...] = ()) -> Analysis:
    """A photo of people from the left to the right, with faces of `sizes` pixels."""
    sides = sizes or (40,) * len(faces)
    boxes = np.float32([[100 * k, 0, 100 * k + side, side] for k, side in enumerate(sides)]).reshape(-1, 4)
    found = Detections(boxes, np.zeros((len(faces), 5, 2), np.float32), np.ones(len(faces), np.float32))
    rows = [vector(face) if isinstance(face, str) else face for face in faces]
    embeddings = np.stack(rows) if rows else np.empty((0, 0), np.float32)
    luma = np.zeros((len(faces), 112, 112), np.uint8)
    return Analysis(name, Faces(1000, 500, found, luma, {"r": embeddings}, first_look=len(faces)))


def seen(target: Analysis | None, *references: list[Analysis], boxes=()):
    people = case_people(target, references, boxes, "r")
    targets = [face.index if face is not None else None for face in people.targets]
    return targets, [[face.index for face in own] for own in people.references], people.unclear


def test_one_face_each_needs_no_likeness():
    assert seen(photo("t", "anna"), [photo("r", "ben")]) == ([0], [[0]], ((),))


def test_a_larger_bystander_is_not_the_person():
    target = photo("t", "carl", "anna", sizes=(90, 40))
    assert seen(target, [photo("r", "anna")]) == ([1], [[0]], ((),))


def test_a_larger_bystander_in_a_reference_is_not_the_person():
    reference = photo("r", "carl", "anna", sizes=(90, 40))
    assert seen(photo("t", "anna"), [reference]) == ([0], [[1]], ((),))
    assert seen(None, [reference, photo("other", "anna")]) == ([None], [[1, 0]], ((),))


def test_what_target_and_reference_share_is_the_person_among_bystanders_of_both():
    assert seen(photo("t", "ben", "anna"), [photo("r", "carl", "dora", "anna")]) == ([1], [[2]], ((),))


def test_several_faces_of_which_none_is_clear_stay_open():
    targets, references, unclear = seen(photo("t", "ben", "carl", sizes=(90, 40)), [photo("r", "anna")])
    assert (targets, references) == ([None], [[0]])
    assert unclear == (("the target shows 2 faces, none clearly this person",),)
    twins = photo("t", "anna", vector("anna", "ben", 0.1))
    assert seen(twins, [photo("r", "anna")])[0] == [None]
    targets, references, unclear = seen(None, [photo("r", "anna", "ben")])
    assert (targets, references) == ([None], [[]])
    assert unclear == (("reference 1 shows 2 faces, none clearly this person",),)


def test_a_group_photo_as_reference_of_both():
    both = photo("both", "ben", "anna")
    boxes = [(0, 0, 40, 40), (100, 0, 140, 40)]
    assert seen(photo("t", "anna", "ben"), [both], [both], boxes=boxes) == ([0, 1], [[1], [0]], ((), ()))
    targets, references, unclear = seen(photo("t", "anna", "ben"), [both], [both])
    assert (targets, references) == ([None, None], [[], []]), "nothing tells which of the two is person 1"
    assert all("is of several people" in " ".join(reasons) for reasons in unclear)
    other = photo("a", "anna")
    assert seen(photo("t", "anna", "ben"), [both, other], [both])[:2] == ([0, 1], [[1, 0], [0]])


def test_one_face_that_is_the_reference_of_two_people_is_one_persons():
    shared = photo("s", "ben")
    boxes = [(0, 0, 40, 40), (100, 0, 140, 40)]
    assert seen(photo("t", "anna", "ben"), [shared], [shared], boxes=boxes)[1] == [[], [0]]


def test_two_people_and_a_bystander():
    target = photo("t", "carl", "anna", "ben", sizes=(90, 40, 40))
    assert seen(target, [photo("b", "ben")], [photo("a", "anna")])[0] == [2, 1]


def test_two_faces_of_two_people_need_no_likeness_but_a_margin():
    faint = photo("a", vector("anna", "carl", 0.98))
    assert seen(photo("t", "anna", "ben"), [faint], [photo("b", "ben")])[0] == [0, 1]
    alike = photo("a", vector("anna", "ben", 0.7))
    assert seen(photo("t", "dora", "carl"), [alike], [photo("b", "ben")])[0] == [None, None]


def test_one_face_for_two_people_is_whose_it_clearly_is():
    assert seen(photo("t", "ben"), [photo("a", "anna")], [photo("b", "ben")])[0] == [None, 0]
    assert seen(photo("t", "carl"), [photo("a", "anna")], [photo("b", "ben")])[0] == [None, None]


def test_a_box_that_touches_no_face_is_dropped_and_likeness_takes_over():
    target = photo("t", "carl", "anna")
    people = case_people(target, [[photo("r", "anna")]], [(700, 300, 800, 400)], "r")
    assert people.targets[0].index == 1
    assert people.boxes == (None,)
    stranger = case_people(photo("t", "carl"), [[photo("r", "anna")]], [(700, 300, 800, 400)], "r")
    assert stranger.targets == (None,)
    kept = case_people(target, [[photo("r", "carl")]], [(100, 0, 140, 40)], "r")
    assert (kept.targets[0].index, kept.boxes) == (1, ((100, 0, 140, 40),))


def test_unreadable_photos_and_faces_that_were_not_embedded_are_nobody():
    unread = Analysis("", error="empty file")
    broken = photo("n", np.full(8, np.nan, np.float32))
    assert seen(unread, [unread, broken]) == ([None], [[]], ((),))
    assert seen(photo("t", "anna"), [unread, photo("r", "anna")], [unread])[:2] == ([0, None], [[0], []])


@pytest.mark.parametrize(
    ("likeness", "pairs"),
    [
        ([[0.7], [0.0]], [(0, 0)]),
        ([[0.29], [0.0]], []),
        ([[0.7], [0.55]], []),
        ([[0.7, 0.0], [0.0, 0.1]], [(0, 0), (1, 1)]),
        ([[0.4, 0.4], [0.4, 0.4]], []),
        ([[0.7, 0.1], [0.1, 0.6], [0.1, 0.55]], [(0, 0)]),
        ([[0.1]], []),
        ([[0.5]], [(0, 0)]),
    ],
)
def test_what_likeness_settles(likeness, pairs):
    assert clear_matches(np.array(likeness)) == pairs
