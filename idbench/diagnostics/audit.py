"""Audit of a suite: what in its own photos would make scores doubtful."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.types import Analysis, Faces
from idbench.metrics import cosine, iou_matrix
from idbench.protocols.people import CasePeople, FaceView, case_people, usable_faces
from idbench.records import Case
from idbench.suites import Suite, index_case

__all__ = ["KINDS", "Finding", "audit"]

SMALL_FACE = 40
"""Shorter side of a face box in pixels, below which recognizers see little."""
POOR_OVERLAP = 0.3
NEAR_DUPLICATE = 0.95
UNLIKE = 0.2

KINDS = {
    "suite_problem": "something in the case's record was ignored",
    "unreadable": "a photo cannot be read",
    "two_labels": "one photo stands for two identities",
    "target_faces": "the target shows fewer faces than people",
    "no_target_face": "no face in the target belongs to this person",
    "box_overlap": f"the person's box and face overlap by less than {POOR_OVERLAP}",
    "box_disagrees": "boxes and similarity assign the target's faces differently",
    "reference_no_face": "a reference shows no face",
    "reference_faces": "a reference shows several faces; the one clearly like the other photos is used",
    "unclear": "the case's photos do not tell which face is the person's; it is left out",
    "small_face": f"a face is smaller than {SMALL_FACE} px",
    "near_duplicate": f"target and reference are nearly one photo (sim_tr > {NEAR_DUPLICATE})",
    "unlike": f"target and reference hardly look alike (sim_tr < {UNLIKE}): the same person?",
}


@dataclass(frozen=True)
class Finding:
    """One doubt about one case; person counts from 0, None where it concerns the whole case."""

    case: str
    person: int | None
    kind: str
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def audit(suite: Suite, analyser: ImageAnalyser) -> Iterator[Finding]:
    """Every finding of every case, by the analyser's first recognizer."""
    recognizer = analyser.recognizers[0].name
    yield from _label_findings(suite)
    read = set()
    for case in suite.cases():
        read.add(case.id)
        if case.id in suite.problems:
            yield Finding(case.id, None, "suite_problem", suite.problems[case.id])
        target = analyser.one(case.target, people=len(case.people)) if case.target else None
        references = [[analyser.one(image, people=1) for image in person.references] for person in case.people]
        for analysis in [target, *(one for photos in references for one in photos)]:
            if analysis is not None and analysis.error:
                yield Finding(case.id, None, "unreadable", analysis.error)
        yield from _reference_findings(case, references)
        yield from _unclear_findings(case, target, references, recognizer)
        if target is not None and target.faces is not None:
            yield from _target_findings(case, target, target.faces, references, recognizer)
    for left_out in sorted(suite.problems.keys() - read) if not suite.subsets else ():
        yield Finding(left_out, None, "suite_problem", suite.problems[left_out])


def _label_findings(suite: Suite) -> Iterator[Finding]:
    """References that stand under several identity labels."""
    labels: dict[str, str] = {}
    for entry in (index_case(case) for case in suite.cases()):
        for person, (photos, label) in enumerate(zip(entry.references, entry.labels, strict=True)):
            for digest in photos if label else ():
                other = labels.setdefault(digest, label or "")
                if digest and other != label:
                    yield Finding(
                        entry.id, person, "two_labels", f"a reference is labelled {label} here and {other} elsewhere"
                    )


def _reference_findings(case: Case, references: list[list[Analysis]]) -> Iterator[Finding]:
    for person, photos in enumerate(references):
        for number, analysis in enumerate(photos, start=1):
            if analysis.faces is None:
                continue
            count = len(analysis.faces)
            if count == 0:
                yield Finding(case.id, person, "reference_no_face", f"reference {number}")
            if count > 1:
                yield Finding(case.id, person, "reference_faces", f"reference {number} shows {count} faces")


def _unclear_findings(
    case: Case, target: Analysis | None, references: list[list[Analysis]], recognizer: str
) -> Iterator[Finding]:
    people = case_people(target, references, [person.box for person in case.people], recognizer)
    for person, reasons in enumerate(people.unclear):
        for reason in reasons:
            yield Finding(case.id, person, "unclear", reason)


def _target_findings(
    case: Case, analysed: Analysis, target: Faces, references: list[list[Analysis]], recognizer: str
) -> Iterator[Finding]:
    boxes = [person.box for person in case.people]
    people = case_people(analysed, references, boxes, recognizer)
    if len(target) < len(case.people):
        yield Finding(case.id, None, "target_faces", f"{len(target)} faces for {len(case.people)} people")
    if all(box is not None for box in boxes):
        by_likeness = case_people(analysed, references, [], recognizer)
        yield from _disagreements(case, people, by_likeness, target, recognizer)
    for person, face in enumerate(people.targets):
        if face is None:
            yield Finding(case.id, person, "no_target_face", f"{len(target)} faces in the target")
            continue
        yield from _face_findings(case, person, face, people)


def _disagreements(
    case: Case, by_box: CasePeople, by_likeness: CasePeople, target: Faces, recognizer: str
) -> Iterator[Finding]:
    for person, (first, second) in enumerate(zip(by_box.targets, by_likeness.targets, strict=True)):
        if first and second and len(case.people) > 1 and first.index != second.index:
            detail = f"box says face {first.index}, similarity says face {second.index}"
            yield Finding(case.id, person, "box_disagrees", detail)
        box, faces = case.people[person].box, usable_faces(target, recognizer)
        if box is not None and faces:
            overlap = float(iou_matrix([box], [face.box for face in faces]).max())
            if overlap < POOR_OVERLAP:
                yield Finding(case.id, person, "box_overlap", f"best overlap {overlap:.2f}")


def _face_findings(case: Case, person: int, face: FaceView, people: CasePeople) -> Iterator[Finding]:
    for what, one in [("target", face), *(("reference", r) for r in people.references[person])]:
        side = float(np.min(one.box[2:] - one.box[:2]))
        if side < SMALL_FACE:
            yield Finding(case.id, person, "small_face", f"{what} face {side:.0f} px")
    for reference in people.references[person]:
        similarity = cosine(face.embedding, reference.embedding)
        if similarity > NEAR_DUPLICATE:
            yield Finding(case.id, person, "near_duplicate", f"sim_tr {similarity:.3f}")
        if similarity < UNLIKE:
            yield Finding(case.id, person, "unlike", f"sim_tr {similarity:.3f}")
