"""`mini`: a small detector and recognizer that come with idbench and know synthetic people only.

Three networks, trained on rendered people by `training/train_mini.py`: one finds faces in the shrunken
image, one places five landmarks in the window around a found face, one embeds the aligned crop. What
they reach on people they never saw stands in `weights/mini.json`. They say nothing about real photos.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from idbench.errors import WeightsError
from idbench.faces.align import ARCFACE_112
from idbench.faces.onnx import OnnxRecognizer, Preprocessing
from idbench.faces.runtime import file_digest, onnx_session
from idbench.faces.types import Detections, Float
from idbench.images import RGB
from idbench.kinds import DetectorKind, RecognizerKind

__all__ = [
    "DETECTOR",
    "RECOGNIZER",
    "MiniDetector",
    "best_boxes",
    "face_window",
    "open_detector",
    "open_recognizer",
    "shrink",
]

WEIGHTS = Path(__file__).parent / "weights"
FINDER, PLACER, EMBEDDER = "mini_finder.onnx", "mini_placer.onnx", "mini_embedder.onnx"
ABOUT = {"kind": "mini", "family": "mini", "judges": "synthetic faces only", "licence": "Apache-2.0, as idbench"}

AREA = 192 * 192
"""Pixels of the image that the finder sees."""

CELL = 8
"""Pixels of that image per cell of the finder's answer."""

USUAL_FACE = 48.0
"""Boxes are predicted relative to this side, in pixels of that image."""

WINDOW = 64
"""Side of the placer's window in pixels."""

MARGIN = 1.4
"""Side of the window relative to the longer side of the box."""

THRESHOLD = 0.5
OVERLAP = 0.4
"""Of two boxes with a larger intersection over union, the less certain is dropped."""

PREPROCESSING = Preprocessing("rgb")


def shrink(pixels: RGB) -> tuple[RGB, float]:
    """The image scaled to about `AREA` pixels with grey added on the right and below to whole cells, and the scale."""
    height, width = pixels.shape[:2]
    scale = float(np.sqrt(AREA / (height * width)))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    right, below = -size[0] % CELL, -size[1] % CELL
    padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    return np.asarray(padded, np.uint8), scale


def best_boxes(chances: Float, shapes: Float, threshold: float) -> tuple[Float, Float]:
    """Boxes (n, 4) in pixels of the shrunken image and their scores (n,), most certain first.

    chances (h, w) in [0, 1]; shapes (4, h, w): shift of the face's centre from the cell's centre in cells
    (x, y), logarithm of the face's width and height over `USUAL_FACE`.
    """
    rows, columns = np.nonzero((chances >= threshold) & np.isfinite(shapes).all(axis=0))
    scores = chances[rows, columns]
    right, down, width, height = shapes[:, rows, columns]
    centres = (np.stack([columns + right, rows + down], axis=1) + 0.5) * CELL
    halves = USUAL_FACE / 2 * np.exp(np.clip(np.stack([width, height], axis=1), -2.5, 1.5))
    boxes = np.concatenate([centres - halves, centres + halves], axis=1)
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if all(_overlap(boxes[i], boxes[j]) <= OVERLAP for j in kept):
            kept.append(int(i))
    return boxes[kept].astype(np.float32), scores[kept].astype(np.float32)


def _overlap(a: Float, b: Float) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / (float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared)


def face_window(pixels: RGB, box: Float) -> tuple[RGB, Float, float]:
    """The square around a box, scaled to `WINDOW` pixels, black outside the image.

    Returns (WINDOW, WINDOW, 3) uint8, the window's upper left corner (x, y) and side in pixels of the image.
    """
    side = max(2, round(MARGIN * float(max(box[2] - box[0], box[3] - box[1]))))
    left, top = (round(float(centre) - side / 2) for centre in (box[:2] + box[2:]) / 2)
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    square = np.zeros((side, side, 3), np.uint8)
    if x1 < x2 and y1 < y2:
        square[y1 - top : y2 - top, x1 - left : x2 - left] = pixels[y1:y2, x1:x2]
    how = cv2.INTER_AREA if side > WINDOW else cv2.INTER_LINEAR
    window = np.asarray(cv2.resize(square, (WINDOW, WINDOW), interpolation=how), np.uint8)
    return window, np.array([left, top], np.float32), float(side)


class MiniDetector:
    """Finds synthetic faces and their landmarks."""

    name = "mini"

    def __init__(self, folder: Path = WEIGHTS, device: str = "auto", threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._files = [folder / FINDER, folder / PLACER]
        self._finder, self._placer = (onnx_session(file, device) for file in self._files)
        for session, file, outputs in ((self._finder, self._files[0], 2), (self._placer, self._files[1], 1)):
            if [feed.name for feed in session.get_inputs()] != ["image"] or len(session.get_outputs()) != outputs:
                raise WeightsError(f"{file} is not mini's; expected input 'image' and {outputs} output(s)")

    def detect(self, pixels: RGB) -> Detections:
        """Faces of one RGB image, most certain first."""
        small, scale = shrink(pixels)
        if min(pixels.shape[:2]) * scale < CELL:
            return Detections.none()
        chances, shapes = self._finder.run(None, {"image": PREPROCESSING.apply(small[None])})
        boxes, scores = best_boxes(chances[0, 0], shapes[0], self.threshold)
        boxes = boxes / np.float32(scale)
        if not len(boxes):
            return Detections.none()
        return Detections(boxes, np.stack([self._landmarks(pixels, box) for box in boxes]), scores)

    def _landmarks(self, pixels: RGB, box: Float) -> Float:
        """Five landmarks (5, 2) of the face in a box."""
        window, corner, side = face_window(pixels, box)
        placed = self._placer.run(None, {"image": PREPROCESSING.apply(window[None])})[0]
        return np.asarray(corner + placed.reshape(5, 2) * side, np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything the detections depend on."""
        return {
            **ABOUT,
            "weights": {file.name: file_digest(file) for file in self._files},
            "area": AREA,
            "threshold": self.threshold,
            "overlap": OVERLAP,
            "providers": self._finder.get_providers(),
        }


def _folder(location: str) -> Path:
    """Where the networks are: in the package, or where somebody trained their own."""
    return Path(location).expanduser() if location else WEIGHTS


def open_detector(location: str, device: str, threshold: float | None) -> MiniDetector:
    """mini's detector; `location` is empty or a folder that `training/train_mini.py` wrote."""
    return MiniDetector(_folder(location), device, THRESHOLD if threshold is None else threshold)


def open_recognizer(name: str, location: str, device: str) -> OnnxRecognizer:
    """mini's recognizer (128-d); `location` is empty or a folder that `training/train_mini.py` wrote."""
    return OnnxRecognizer(name, _folder(location) / EMBEDDER, ARCFACE_112, PREPROCESSING, device, ABOUT)


def _here() -> str:
    return "ready: comes with idbench"


RECOGNIZER = RecognizerKind(
    open=open_recognizer,
    form="mini",
    what="comes with idbench; for synthetic people only",
    family="mini",
    here=_here,
    detector=lambda location: "mini",
    only_rendered=True,
)
DETECTOR = DetectorKind(
    open=open_detector,
    form="mini",
    what="comes with idbench; finds synthetic people only",
    here=_here,
    only_rendered=True,
)
