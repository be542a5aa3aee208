"""Which face is which person: the suite side, decided once per case and recognizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.faces.types import Faces
from idbench.metrics import cosine_matrix, iou_matrix, match
from idbench.schema import Box

__all__ = ["MIN_BOX_OVERLAP", "CasePeople", "FaceView", "case_people", "largest_face", "usable_faces"]

MIN_BOX_OVERLAP = 0.05
"""A face overlapping a person's box by less (intersection over union) is not that person."""


@dataclass(frozen=True)
class FaceView:
    """One face of an image under one recognizer: embedding (d,), landmarks (5, 2), luma (112, 112), box (4,)."""

    index: int
    embedding: npt.NDArray[Any]
    landmarks: npt.NDArray[Any]
    luma: npt.NDArray[np.uint8]
    box: npt.NDArray[Any]


@dataclass(frozen=True)
class CasePeople:
    """The suite side of one case under one recognizer.

    targets[i] is person i's face in the target photo, references[i] their usable reference faces;
    box[i] the face box in target pixels and size the target's (width, height), where they exist.
    """

    targets: tuple[FaceView | None, ...]
    references: tuple[tuple[FaceView, ...], ...]
    boxes: tuple[Box | None, ...]
    size: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.targets)

    def anchor(self, person: int) -> npt.NDArray[Any] | None:
        """What generated faces are matched with: the target face, else the first reference, else None."""
        target = self.targets[person]
        if target is not None:
            return target.embedding
        return self.references[person][0].embedding if self.references[person] else None


def usable_faces(faces: Faces | None, recognizer: str) -> list[FaceView]:
    """Faces with a finite, non-zero embedding, in the detector's order."""
    if faces is None or len(faces) == 0:
        return []
    embeddings = faces.embeddings[recognizer]
    usable = np.isfinite(embeddings).all(axis=1) & (np.abs(embeddings).max(axis=1, initial=0) > 0)
    return [
        FaceView(int(i), embeddings[i], faces.found.landmarks[i], faces.luma[i], faces.found.boxes[i])
        for i in np.flatnonzero(usable)
    ]


def _area(face: FaceView) -> float:
    return float(np.maximum(face.box[2:] - face.box[:2], 0).prod())


def largest_face(faces: list[FaceView]) -> FaceView | None:
    """The face with the largest box; the first of equals."""
    return max(faces, key=_area, default=None)


def case_people(
    target: Faces | None,
    references: Sequence[Sequence[Faces | None]],
    boxes: Sequence[Box | None],
    recognizer: str,
) -> CasePeople:
    """Assign the target's faces to people and take each reference's largest face.

    People with a box: the assignment with the largest total overlap, at least `MIN_BOX_OVERLAP` each. The
    others, n of them: the n largest faces that are left, assigned to their references by cosine.
    """
    kept = [
        tuple(face for photo in photos if (face := largest_face(usable_faces(photo, recognizer))) is not None)
        for photos in references
    ]
    known = tuple(boxes) or (None,) * len(references)
    faces = usable_faces(target, recognizer)
    chosen = _by_boxes(faces, {i: box for i, box in enumerate(known) if box is not None})
    taken = {face.index for face in chosen.values()}
    without_box = [i for i, box in enumerate(known) if box is None]
    rest = [face for face in faces if face.index not in taken]
    chosen |= {without_box[i]: face for i, face in _by_similarity(rest, [kept[i] for i in without_box]).items()}
    return CasePeople(
        targets=tuple(chosen.get(i) for i in range(len(references))),
        references=tuple(kept),
        boxes=known,
        size=(target.width, target.height) if target is not None else None,
    )


def _by_boxes(faces: list[FaceView], boxes: dict[int, Box]) -> dict[int, FaceView]:
    if not faces or not boxes:
        return {}
    people = list(boxes)
    overlap = iou_matrix([face.box for face in faces], [boxes[i] for i in people])
    return {people[k]: faces[j] for j, k in match(overlap) if overlap[j, k] >= MIN_BOX_OVERLAP}


def _by_similarity(faces: list[FaceView], references: list[tuple[FaceView, ...]]) -> dict[int, FaceView]:
    """One person needs no similarity: the largest face. Several need a usable reference each."""
    largest = sorted(faces, key=_area, reverse=True)[: len(references)]
    if len(references) == 1:
        return {0: largest[0]} if largest else {}
    people = [i for i, photos in enumerate(references) if photos]
    if not largest or not people:
        return {}
    vectors = [face.embedding for face in largest]
    similarity = np.stack(
        [cosine_matrix(vectors, [r.embedding for r in references[i]]).max(axis=1) for i in people], axis=1
    )
    return {people[column]: largest[j] for j, column in match(similarity)}
