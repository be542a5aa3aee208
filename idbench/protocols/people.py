"""Which face is which person: the suite side, decided once per case and recognizer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.faces.types import Analysis, Faces
from idbench.metrics import cosine_matrix, iou_matrix, match
from idbench.schema import Box

__all__ = [
    "CLEAR_MARGIN",
    "MIN_BOX_OVERLAP",
    "MIN_LIKENESS",
    "CasePeople",
    "FaceView",
    "case_people",
    "clear_matches",
    "usable_faces",
]

MIN_BOX_OVERLAP = 0.05
"""A face overlapping a person's box by less (intersection over union) is not that person."""

MIN_LIKENESS = 0.3
"""Cosine from which a face can be a person. On real-mini, photos of one person have .53 at least, of strangers .05 in
the median and seldom above .3."""

CLEAR_MARGIN = 0.2
"""Cosine by which another choice must be worse for this one to be clear: about 1.5 standard deviations between
strangers (.13), and less than half of what lies between strangers and one person."""

NEVER = -10.0
"""Likeness of a pair that must not be chosen."""


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
    boxes[i] the face box in target pixels and size the target's (width, height), where they exist; unclear[i] says
    which photos do not tell who person i is.
    """

    targets: tuple[FaceView | None, ...]
    references: tuple[tuple[FaceView, ...], ...]
    boxes: tuple[Box | None, ...]
    size: tuple[int, int] | None
    unclear: tuple[tuple[str, ...], ...] = ()

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


def case_people(
    target: Analysis | None,
    references: Sequence[Sequence[Analysis]],
    boxes: Sequence[Box | None],
    recognizer: str,
) -> CasePeople:
    """Assign the target's and the references' faces to people.

    Target: people with a box take the faces with the largest total overlap, at least `MIN_BOX_OVERLAP` each; a box that
    touches no face is dropped. The other people take what is left by likeness to their references, where it is clear
    (`clear_matches`). One person and one face need no likeness.

    References: a photo with one face shows its person. Of several faces, or where people share the photo, each person
    takes the face like their target and other references, where it is clear. What is not clear stays open, with the
    reason in `CasePeople.unclear`.
    """
    suite_side = _SuiteSide(
        usable_faces(target.faces if target is not None else None, recognizer),
        [[_Photo(one.digest, usable_faces(one.faces, recognizer)) for one in person] for person in references],
        tuple(boxes) or (None,) * len(references),
    )
    people = range(len(references))
    by_box = suite_side.targets_by_boxes()
    targets = by_box | suite_side.targets_by_likeness(by_box)
    kept = [suite_side.references_of(i, targets) for i in people]
    return CasePeople(
        targets=tuple(targets.get(i) for i in people),
        references=tuple(map(tuple, kept)),
        boxes=tuple(box if i in by_box else None for i, box in enumerate(suite_side.boxes)),
        size=(target.faces.width, target.faces.height) if target is not None and target.faces is not None else None,
        unclear=tuple(tuple(suite_side.unclear[i]) for i in people),
    )


@dataclass(frozen=True)
class _Photo:
    """A reference photo: digest of its bytes and its usable faces."""

    digest: str
    faces: list[FaceView]

    @property
    def alone(self) -> bool:
        """Whether it shows one face."""
        return len(self.faces) == 1


class _SuiteSide:
    """The faces of one case's photos on their way to its people. `unclear`: per person, what could not be settled."""

    def __init__(
        self, faces: list[FaceView], photos: Sequence[Sequence[_Photo]], boxes: tuple[Box | None, ...]
    ) -> None:
        self.boxes = boxes
        self.unclear: list[list[str]] = [[] for _ in photos]
        self._faces = faces
        self._photos = photos
        self._shared = _shared(photos)
        self._alone = [[p.faces[0] for p in own if p.alone and p.digest not in self._shared] for own in photos]

    def targets_by_boxes(self) -> dict[int, FaceView]:
        """Person -> the target's face in their box."""
        return _by_boxes(self._faces, {i: box for i, box in enumerate(self.boxes) if box is not None})

    def targets_by_likeness(self, taken: Mapping[int, FaceView]) -> dict[int, FaceView]:
        """Person -> which of the target's other faces is clearly like their references."""
        used = {face.index for face in taken.values()}
        rest = [face for face in self._faces if face.index not in used]
        candidates = {
            i: self._alone[i] or [face for photo in own for face in photo.faces]
            for i, own in enumerate(self._photos)
            if i not in taken
        }
        found = _by_likeness(rest, candidates, guess=all(self.boxes[i] is None for i in candidates))
        for i in candidates.keys() - found.keys() if rest else ():
            self.unclear[i].append(f"the target shows {_counted(len(rest), taken)}, none clearly this person")
        return found

    def references_of(self, person: int, targets: Mapping[int, FaceView]) -> list[FaceView]:
        """The faces of a person in their references."""
        kept = []
        for number, photo in enumerate(self._photos[person], start=1):
            sitters = self._shared.get(photo.digest, [person])
            face = self._face_in(photo, person, sitters, targets)
            if face is not None:
                kept.append(face)
            elif photo.faces:
                others = ", and is of several people" if len(sitters) > 1 else ""
                shown = _counted(len(photo.faces))
                self.unclear[person].append(f"reference {number} shows {shown}{others}, none clearly this person")
        return kept

    def _face_in(
        self, photo: _Photo, person: int, sitters: Sequence[int], targets: Mapping[int, FaceView]
    ) -> FaceView | None:
        """A person's face in a photo: its only one, else the one clearly like their target and other references."""
        if photo.alone and len(sitters) == 1:
            return photo.faces[0]
        evidence = {k: [*([targets[k]] if k in targets else []), *self._alone[k]] for k in sitters}
        return _by_likeness(photo.faces, evidence, guess=False).get(person)


def _shared(photos: Sequence[Sequence[_Photo]]) -> dict[str, list[int]]:
    """Photos that are a reference of several people: digest -> the people."""
    owners: dict[str, list[int]] = {}
    for i, own in enumerate(photos):
        for digest in dict.fromkeys(photo.digest for photo in own if photo.digest):
            owners.setdefault(digest, []).append(i)
    return {digest: people for digest, people in owners.items() if len(people) > 1}


def _counted(faces: int, taken: Collection[object] = ()) -> str:
    """The number of faces in words."""
    more = " more" if taken else ""
    return f"{faces}{more} face{'s' if faces > 1 else ''}"


def _by_boxes(faces: list[FaceView], boxes: dict[int, Box]) -> dict[int, FaceView]:
    if not faces or not boxes:
        return {}
    people = list(boxes)
    overlap = iou_matrix([face.box for face in faces], [boxes[i] for i in people])
    return {people[k]: faces[j] for j, k in match(overlap) if overlap[j, k] >= MIN_BOX_OVERLAP}


def _by_likeness(
    faces: list[FaceView], people: Mapping[int, Sequence[FaceView]], guess: bool = True
) -> dict[int, FaceView]:
    """Person -> the face that is clearly like what is known of them.

    `guess`: one face and one person belong together, whether they look alike or not.
    """
    if guess and len(faces) == len(people) == 1:
        return {next(iter(people)): faces[0]}
    order = [i for i, known in people.items() if known]
    if not faces or not order:
        return {}
    vectors = [face.embedding for face in faces]
    likeness = np.stack(
        [cosine_matrix(vectors, [one.embedding for one in people[i]]).max(axis=1) for i in order], axis=1
    )
    return {order[column]: faces[row] for row, column in clear_matches(likeness)}


def clear_matches(likeness: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Pairs (face, person) that likeness settles, of a matrix (faces, people) of cosines.

    They are those of the best assignment that every assignment without the pair misses by `CLEAR_MARGIN` in total.
    Where there are more faces than people, or fewer, or one of each, a face may be nobody's: a pair needs
    `MIN_LIKENESS` too.
    """
    pairs = match(likeness)
    best = sum(likeness[pair] for pair in pairs)
    faces, people = likeness.shape
    least = MIN_LIKENESS if faces != people or faces == 1 else -1.0
    clear = []
    for pair in pairs:
        without = likeness.copy()
        without[pair] = NEVER
        other = sum(without[one] for one in match(without))
        if likeness[pair] >= least and best - other >= CLEAR_MARGIN:
            clear.append(pair)
    return clear
