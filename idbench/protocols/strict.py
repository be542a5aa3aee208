"""The strict protocol: one assignment serves every number, and every failure is a row with an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.faces.registration import correlations
from idbench.faces.types import Faces
from idbench.metrics import (
    PersonView,
    all_person_metrics,
    cosine_matrix,
    head_pose,
    in_slot,
    match,
    mean_pairwise_angle,
    mean_pairwise_rotation,
    nearest_reference,
)
from idbench.protocols.people import CasePeople, FaceView, usable_faces
from idbench.records import Outcome

__all__ = ["PersonScore", "score_image", "score_seeds"]

ESSENTIAL = ("sim_gt", "sim_ref", "copy_paste")


@dataclass(frozen=True)
class PersonScore:
    """One person in one generated image under one recognizer. `face` is theirs, where one was found."""

    person: int
    outcome: Outcome
    values: dict[str, float]
    face: FaceView | None = None


def score_image(generated: Faces | None, outcome: Outcome, people: CasePeople, recognizer: str) -> list[PersonScore]:
    """One score per person of the case.

    generated : faces of the image, None if there is no readable image; then `outcome` says why.

    A face the recognizer could not embed is the recognizer's failure, not the model's: people who are left
    without a face while there is such a one are undefined, not missing.
    """
    n = len(people)
    if generated is None:
        return [_without_face(people, i, outcome) for i in range(n)]
    faces = usable_faces(generated, recognizer)
    some_not_embedded = len(faces) < len(generated)
    if not faces:
        missing = Outcome.UNDEFINED if some_not_embedded else Outcome.NO_FACE
        return [_without_face(people, i, missing) for i in range(n)]
    assigned = _assign(faces, people)
    scores = []
    for i in range(n):
        if people.anchor(i) is None:
            scores.append(PersonScore(i, Outcome.UNDEFINED, {}))
        elif i not in assigned:
            missing = Outcome.UNDEFINED if some_not_embedded else Outcome.MISSING_PERSON
            scores.append(_without_face(people, i, missing))
        else:
            scores.append(_score(faces[assigned[i]], i, people, generated))
    return scores


def score_seeds(images: list[list[PersonScore]]) -> None:
    """Add `seed_distance` and `seed_pose` to the scores of one case under several seeds, in place."""
    for person in range(len(images[0]) if images else 0):
        found = [(one.values, one.face) for one in (scored[person] for scored in images) if one.face is not None]
        if len(found) > 1:
            distances = mean_pairwise_angle([face.embedding for _, face in found])
            turns = mean_pairwise_rotation([head_pose(face.landmarks) for _, face in found])
            for (values, _), distance, turn in zip(found, distances, turns, strict=True):
                values |= {"seed_distance": float(distance), "seed_pose": float(turn)}


def _without_face(people: CasePeople, person: int, outcome: Outcome) -> PersonScore:
    """A failed person; one whom the suite does not show is undefined, which is nobody's failure."""
    return PersonScore(person, outcome if people.anchor(person) is not None else Outcome.UNDEFINED, {})


def _assign(faces: list[FaceView], people: CasePeople) -> dict[int, int]:
    """Person -> position in `faces`: Hungarian on cosine to the people's anchors."""
    anchors = {i: a for i in range(len(people)) if (a := people.anchor(i)) is not None}
    if not anchors:
        return {}
    order = list(anchors)
    similarity = cosine_matrix([face.embedding for face in faces], [anchors[i] for i in order])
    return {order[column]: row for row, column in match(similarity)}


def _score(face: FaceView, person: int, people: CasePeople, generated: Faces) -> PersonScore:
    view = _view(face, person, people, generated)
    values = {metric.name: metric.value(view) for metric in all_person_metrics()}
    complete = all(np.isfinite(values[name]) for name in ESSENTIAL)
    return PersonScore(person, Outcome.SCORED if complete else Outcome.UNDEFINED, values, face)


def _view(face: FaceView, person: int, people: CasePeople, generated: Faces) -> PersonView:
    target, references = people.targets[person], people.references[person]
    vectors = _rows([r.embedding for r in references], len(face.embedding))
    nearest = references[nearest_reference(face.embedding, vectors)] if references else None
    others = [t.embedding for j, t in enumerate(people.targets) if j != person and t is not None]
    return PersonView(
        generated=face.embedding,
        target=target.embedding if target else None,
        references=vectors,
        other_targets=_rows(others, len(face.embedding)),
        generated_landmarks=face.landmarks,
        target_landmarks=target.landmarks if target else None,
        reference_landmarks=nearest.landmarks if nearest else None,
        generated_luma=face.luma,
        target_luma=target.luma if target else None,
        reference_luma=nearest.luma if nearest else None,
        in_slot=_in_slot(face, person, people, generated),
        reference_correlations=correlations(face.luma, [r.luma for r in references]),
    )


def _rows(vectors: list[npt.NDArray[Any]], length: int) -> npt.NDArray[Any]:
    """Vectors as rows (n, length), also for n = 0."""
    return np.array(vectors).reshape(len(vectors), length)


def _in_slot(face: FaceView, person: int, people: CasePeople, generated: Faces) -> bool | None:
    """Boxes are scaled from the target's size to the generated image's. Undefined for one person."""
    box = people.boxes[person]
    if len(people) < 2 or box is None or people.size is None:
        return None
    scale = np.tile([generated.width / people.size[0], generated.height / people.size[1]], 2)
    return in_slot(face.index, generated.found.boxes, np.asarray(box) * scale)
