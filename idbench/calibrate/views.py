"""One person from many sides: what detector and recognizer make of a turned head, against the rendered truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from idbench.calibrate.pictures import Drawing, Drawn, Key
from idbench.faces.pipeline import ImageAnalyser, Job
from idbench.faces.types import Faces, Float
from idbench.metrics import cosine, iou_matrix
from idbench.synthetic import Sitter, render
from idbench.synthetic.plans import CasePlan

__all__ = ["YAWS", "Seen", "View", "draw_views", "look_at", "seen_by_yaw"]

YAWS = (0, 10, 20, 30, 40, 50, 60)
"""Degrees by which heads are turned, to the left and to the right in turn."""

MIN_OVERLAP = 0.3
"""Intersection over union from which a detected box is the rendered face: detectors draw boxes their own way."""


@dataclass(frozen=True)
class View:
    """One turned head. landmark_error: mean distance from the truth in eye distances of the same face seen
    from ahead. similarity: to that view, by recognizer. Both None if the face, or that view's, was not found.
    surplus: boxes where nobody is."""

    yaw: int
    found: bool
    surplus: int
    landmark_error: float | None
    similarity: Mapping[str, float | None]


@dataclass(frozen=True)
class Seen:
    """All views at one yaw: share found, mean landmark error, mean similarity to the view from ahead."""

    yaw: int
    views: int
    found: float
    surplus: float
    landmark_error: float | None
    similarity: Mapping[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """For calibration.json."""
        return asdict(self)


def draw_views(plans: Sequence[CasePlan]) -> dict[Key, Drawing]:
    """The first person of each case, as in the target but alone and turned to every yaw."""
    drawings: dict[Key, Drawing] = {}
    for k, plan in enumerate(plans):
        person = plan.people[0]
        for yaw in YAWS:
            pose = person.appearance.pose.model_copy(update={"yaw": float(yaw if k % 2 else -yaw)})
            sitter = Sitter(person.identity, person.appearance.model_copy(update={"pose": pose}))
            drawings["view", plan.id, yaw] = Drawing(render, ((sitter,), plan.background, plan.camera))
    return drawings


def look_at(drawn: Mapping[Key, Drawn], analyser: ImageAnalyser) -> list[View]:
    """Detect and embed every view."""
    jobs = (Job(key, picture.image(" ".join(map(str, key)))) for key, picture in drawn.items() if key[0] == "view")
    faces = {key: analysis.faces for key, analysis in analyser.analyse(jobs)}
    return [_view(key, drawn, faces) for key in faces]


def _view(key: Key, drawn: Mapping[Key, Drawn], faces: Mapping[Key, Faces | None]) -> View:
    yaw, ahead = int(key[2]), (*key[:2], YAWS[0])
    seen, here = faces[key], _face_of(faces[key], drawn[key])
    surplus = (len(seen) if seen is not None else 0) - (here is not None)
    if seen is None or here is None:
        return View(yaw, False, surplus, None, {})
    truth = drawn[key].landmarks[0]
    eyes = float(np.linalg.norm(np.subtract(*drawn[ahead].landmarks[0][:2])))
    error = float(np.linalg.norm(seen.found.landmarks[here] - truth, axis=1).mean() / eyes)
    first, other = faces[ahead], _face_of(faces[ahead], drawn[ahead])
    if first is None or other is None:
        return View(yaw, True, surplus, error, {})
    alike = {name: _alike(rows[here], first.embeddings[name][other]) for name, rows in seen.embeddings.items()}
    return View(yaw, True, surplus, error, alike)


def _alike(one: Float, other: Float) -> float | None:
    """Cosine; None where the recognizer could not embed a face."""
    return cosine(one, other) if np.isfinite(one).all() and np.isfinite(other).all() else None


def _face_of(seen: Faces | None, drawn: Drawn) -> int | None:
    """Which detected face is the drawn one; None if none is."""
    if seen is None or not len(seen):
        return None
    overlap = iou_matrix(seen.found.boxes, [drawn.boxes[0]])[:, 0]
    best = int(overlap.argmax())
    return best if overlap[best] >= MIN_OVERLAP else None


def seen_by_yaw(views: Sequence[View], recognizers: Sequence[str]) -> list[Seen]:
    """Views summed up by yaw."""
    found = []
    for yaw in sorted({view.yaw for view in views}):
        here = [view for view in views if view.yaw == yaw]
        found.append(
            Seen(
                yaw,
                len(here),
                sum(view.found for view in here) / len(here),
                sum(view.surplus for view in here) / len(here),
                _mean([view.landmark_error for view in here]),
                {name: _mean([view.similarity.get(name) for view in here]) for name in recognizers},
            )
        )
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
