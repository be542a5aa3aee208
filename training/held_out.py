"""How well `mini` does on people it never saw, in the photos and groups of a synthetic suite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idbench.faces.mini import open_detector, open_recognizer
from idbench.faces.types import Detections
from idbench.metrics import auc, equal_error_rate
from idbench.synthetic import Picture, RenderedFace
from idbench.synthetic.plans import plan_cases, render_reference, render_target

__all__ = ["HELD_OUT_SEED", "held_out_figures"]

HELD_OUT_SEED = 740_001
"""Plans of this seed are for judging alone."""

SEEN = 0.5
"""Faces that can be seen less than this need not be found."""

FOUND = 0.4
"""Least intersection over union of a face and the box that finds it."""


@dataclass
class Tally:
    """What was counted so far."""

    pictures: int = 0
    faces: int = 0
    found: int = 0
    false_boxes: int = 0
    landmark_errors: list[float] = field(default_factory=list)
    box_overlaps: list[float] = field(default_factory=list)
    embeddings: list[npt.NDArray[np.float32]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)


def photos(cases: int, seed: int) -> Iterator[tuple[Picture, list[str]]]:
    """Every target and reference of a plan with the names of its people."""
    for plan in plan_cases(cases, seed=seed):
        yield render_target(plan), [person.label for person in plan.people]
        for person in plan.people:
            for i in range(len(person.references)):
                yield render_reference(person, i), [person.label]


def overlap(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Intersection over union of two boxes."""
    shared = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


def match(faces: tuple[RenderedFace, ...], found: Detections) -> list[tuple[int, int, float]]:
    """Which box finds which face (face, box, overlap), best overlaps first, each used once."""
    overlaps = np.array([[overlap(np.asarray(face.box), box) for box in found.boxes] for face in faces])
    pairs: list[tuple[int, int, float]] = []
    while overlaps.size and overlaps.max() >= FOUND:
        i, j = (int(index) for index in np.unravel_index(overlaps.argmax(), overlaps.shape))
        pairs.append((i, j, float(overlaps[i, j])))
        overlaps[i], overlaps[:, j] = 0, 0
    return pairs


def held_out_figures(folder: Path, cases: int, seed: int = HELD_OUT_SEED) -> dict[str, float | None]:
    """Detection, landmarks and recognition by the networks in `folder`, through the doors that idbench uses.

    Shares in [0, 1]; landmark errors as shares of the eye distance; genuine and impostor are cosines.
    None where there is nothing to measure.
    """
    cv2.setNumThreads(1)
    detector, recognizer = open_detector(str(folder), "cpu", None), open_recognizer("mini", str(folder), "cpu")
    tally = Tally()
    for picture, names in photos(cases, seed):
        found = detector.detect(picture.pixels)
        pairs = match(picture.faces, found)
        due = [i for i, face in enumerate(picture.faces) if face.visible >= SEEN]
        tally.pictures += 1
        tally.faces += len(due)
        tally.found += len({i for i, _, _ in pairs} & set(due))
        tally.false_boxes += len(found) - len(pairs)
        for i, j, shared in pairs:
            truth = picture.faces[i].landmarks
            distances = np.linalg.norm(found.landmarks[j] - truth, axis=1) / np.linalg.norm(truth[0] - truth[1])
            tally.landmark_errors.append(float(distances.mean()))
            tally.box_overlaps.append(shared)
            tally.embeddings.append(recognizer.embed(
                recognizer.alignment.crop(picture.pixels, found.boxes[j], found.landmarks[j])[None])[0])  # fmt: skip
            tally.people.append(names[i])
    return _figures(tally)


def _figures(tally: Tally) -> dict[str, float | None]:
    units = np.array([vector / np.linalg.norm(vector) for vector in tally.embeddings]).reshape(len(tally.people), 128)
    upper = np.triu_indices(len(units), 1)
    cosines = (units @ units.T)[upper]
    same = np.array(tally.people)[upper[0]] == np.array(tally.people)[upper[1]]
    genuine, impostor = cosines[same], cosines[~same]
    comparable = len(genuine) and len(impostor)
    figures: dict[str, float | None] = {
        "pictures": tally.pictures,
        "people": len(set(tally.people)),
        "faces": tally.faces,
        "found": tally.found / tally.faces,
        "false_boxes_per_picture": tally.false_boxes / tally.pictures,
        "box_overlap": _mean(tally.box_overlaps),
        "landmark_error": _mean(tally.landmark_errors),
        "landmark_error_95": _quantile(tally.landmark_errors, 0.95),
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "auc": auc(genuine, impostor) if comparable else None,
        "equal_error_rate": equal_error_rate(genuine, impostor) if comparable else None,
        "genuine_median": _quantile(genuine, 0.5),
        "genuine_5": _quantile(genuine, 0.05),
        "genuine_95": _quantile(genuine, 0.95),
        "impostor_median": _quantile(impostor, 0.5),
        "impostor_95": _quantile(impostor, 0.95),
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _quantile(values: npt.ArrayLike, share: float) -> float | None:
    given = np.asarray(values, np.float64)
    return float(np.quantile(given, share)) if len(given) else None
