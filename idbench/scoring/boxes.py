"""Whether a suite's boxes are boxes of the faces in its targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.metrics import cosine_matrix, iou_matrix, match
from idbench.protocols.people import MIN_BOX_OVERLAP, MIN_LIKENESS, case_people, usable_faces
from idbench.schema import Box
from idbench.scoring.suite_side import SuiteSide

__all__ = ["BoxCheck"]

GOOD_OVERLAP = 0.3
"""A box that overlaps a face so much (intersection over union) is one of that face, be it drawn loosely."""
INSIDE = 0.9
"""A box that holds so much of a face may be one of the whole person, if it is of no other face."""


SAME_PLACE = 0.7
"""Boxes of two people that overlap so much are one box: faces that can both be seen overlap less."""


@dataclass
class BoxCheck:
    """Compares boxes with detected faces, case by case, and judges when the whole suite was seen.

    touching : per case, whether any of its boxes touches a face.
    fitting : per box, whether it is the box of some face or holds one.
    contradicted : case -> why its boxes do not say who is who.
    without_face : case -> which of its people have a box that is no found face's, where others' are.
    """

    touching: dict[str, bool] = field(default_factory=dict)
    fitting: list[bool] = field(default_factory=list)
    contradicted: dict[str, str] = field(default_factory=dict)
    without_face: dict[str, list[int]] = field(default_factory=dict)

    def look_at(self, side: SuiteSide) -> None:
        """Take one case in; without boxes, or without faces in its target, it says nothing."""
        faces = side.target.faces if side.target is not None else None
        boxes = {i: person.box for i, person in enumerate(side.case.people) if person.box is not None}
        if not boxes or faces is None or len(faces) == 0:
            return
        case_id, overlap = side.case.id, iou_matrix(list(boxes.values()), faces.found.boxes)
        self.touching[case_id] = bool(overlap.max() >= MIN_BOX_OVERLAP)
        drawn = overlap.max(axis=1) >= GOOD_OVERLAP
        held = np.array([(_held(box, faces.found.boxes) >= INSIDE).sum() for box in boxes.values()])
        self.fitting += list(map(bool, drawn | (held > 0)))
        several = [i for i, many in zip(boxes, ~drawn & (held > 1), strict=True) if many] if len(boxes) > 1 else []
        if why := _one_box(boxes) or _several_faces(several) or _unlike(side):
            self.contradicted[case_id] = why
        taken = {row for row, column in match(overlap) if overlap[row, column] >= MIN_BOX_OVERLAP}
        if lacking := [i for row, i in enumerate(boxes) if row not in taken]:
            self.without_face[case_id] = lacking

    def unused(self) -> dict[str, str]:
        """Cases of which no box is used, and why: most of the suite's fit no face, none touches one, or they do not say
        who is who."""
        fits = sum(self.fitting)
        if fits < len(self.fitting) / 2:
            of_all = f"{fits} of the suite's {len(self.fitting)} boxes fit faces that were found in the targets"
            why = f"boxes were not used: {of_all} (another form, another image size?)"
            return dict.fromkeys(self.touching, why)
        nowhere = "boxes were not used, because they touch no face that was found in the target"
        untouched = {case_id: nowhere for case_id, touching in self.touching.items() if not touching}
        return {
            case_id: f"boxes were not used, because {why}" for case_id, why in self.contradicted.items()
        } | untouched

    def problems(self) -> Iterator[tuple[str, str]]:
        """Every case whose boxes are not used, and every box that is no found face's, with the reason."""
        unused = self.unused()
        yield from unused.items()
        for case_id, people in self.without_face.items():
            for person in people if case_id not in unused else ():
                yield (
                    case_id,
                    f"the box of person {person + 1} was not used: no face that was found in the target is its own",
                )


def _one_box(boxes: Mapping[int, Box]) -> str | None:
    """Whether two people have the same box, be it one of both or of the whole picture."""
    overlap = np.triu(iou_matrix(list(boxes.values()), list(boxes.values())), 1)
    if overlap.max() < SAME_PLACE:
        return None
    first, second = (list(boxes)[int(i)] for i in np.unravel_index(overlap.argmax(), overlap.shape))
    return f"those of person {first + 1} and person {second + 1} are nearly the same"


def _unlike(side: SuiteSide) -> str | None:
    """Whether faces in boxes are clearly those of other people of the case, for every recognizer that can tell."""
    faces = side.target.faces if side.target is not None else None
    opinions = [_other_people(side, name) for name in (faces.embeddings if faces is not None else ())]
    clear = [moved for moved in opinions if moved is not None]
    if not clear or not all(clear):
        return None
    if len(side.case.people) == 1:
        return "another face of the target is clearly the person by the references, and that in the box is not"
    people = " and ".join(str(i + 1) for i in clear[0])
    return f"by their references, the faces in those of person {people} are clearly others of the case"


def _other_people(side: SuiteSide, recognizer: str) -> list[int] | None:
    """People whose face by likeness is not that in their box; None where likeness is clear for nobody with a box."""
    boxes = [person.box for person in side.case.people]
    by_box, by_likeness = (
        case_people(side.target, side.references, places, recognizer).targets for places in (boxes, [None] * len(boxes))
    )
    both = [(i, a.index, b.index) for i, (a, b) in enumerate(zip(by_box, by_likeness, strict=True)) if a and b]
    if not both:
        return None
    moved = [i for i, in_box, alike in both if in_box != alike]
    return moved if len(boxes) > 1 or not moved or not _is_like(side, recognizer, both[0][1]) else []


def _is_like(side: SuiteSide, recognizer: str, face: int) -> bool:
    """Whether a face of the target may be the only person of the case."""
    shown = [one for photo in side.references[0] for one in usable_faces(photo.faces, recognizer)]
    here = [one for one in usable_faces(side.target.faces if side.target else None, recognizer) if one.index == face]
    likeness = cosine_matrix([one.embedding for one in here], [one.embedding for one in shown])
    return bool(likeness.max(initial=-1.0) >= MIN_LIKENESS)


def _several_faces(people: Sequence[int]) -> str | None:
    """Whether there are people in whose box several faces lie, so that it does not say where they are."""
    return f"in that of person {people[0] + 1} lie several faces" if people else None


def _held(box: Box, faces: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Share of each face that lies in a box, (n,)."""
    x1, y1, x2, y2 = faces.T
    width = np.clip(np.minimum(x2, box[2]) - np.maximum(x1, box[0]), 0, None)
    height = np.clip(np.minimum(y2, box[3]) - np.maximum(y1, box[1]), 0, None)
    share: npt.NDArray[np.float64] = width * height / np.maximum((x2 - x1) * (y2 - y1), 1e-9)
    return share
