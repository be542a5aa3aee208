"""What detectors, recognizers and image encoders offer, and what an analysed image holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from idbench.faces.align import Alignment
from idbench.images import RGB

__all__ = ["Analysis", "Detections", "Detector", "Faces", "ImageEncoder", "Recognizer"]

Float = npt.NDArray[np.float32]

MIN_SPREAD = 0.1
"""Five landmarks closer together than this share of the box's longer side are no face."""

MAX_OUTSIDE = 0.5
"""How far, in sides of the box, landmarks may lie outside it."""


@dataclass(frozen=True)
class Detections:
    """Faces a detector found, in the detector's own order.

    boxes (n, 4) x1 y1 x2 y2 and landmarks (n, 5, 2) in pixels: eye, eye, nose, mouth corner, mouth
    corner, image-left first; scores (n,) in [0, 1].
    """

    boxes: Float
    landmarks: Float
    scores: Float

    @classmethod
    def none(cls) -> Detections:
        """No face."""
        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """The faces of every part, one part after the other."""
        parts = [cls.none(), *parts]
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def chosen(self, which: Sequence[int] | npt.NDArray[Any]) -> Detections:
        """The faces at positions `which`, or where a mask (n,) is true."""
        index = np.asarray(which) if len(which) else np.empty(0, np.intp)
        return Detections(self.boxes[index], self.landmarks[index], self.scores[index])

    def with_possible_landmarks(self) -> Detections:
        """Without faces whose landmarks cannot be, so that nothing sensible can be cut out by them.

        Landmarks are finite, spread over at least `MIN_SPREAD` of the box's longer side, and inside the box grown by
        `MAX_OUTSIDE` of its sides.
        """
        if not len(self):
            return self
        sides = (self.boxes[:, 2:] - self.boxes[:, :2])[:, None]
        spread = np.ptp(self.landmarks, axis=1).max(axis=1) >= np.maximum(MIN_SPREAD * sides.max(axis=(1, 2)), 1e-3)
        low, high = self.boxes[:, None, :2] - MAX_OUTSIDE * sides, self.boxes[:, None, 2:] + MAX_OUTSIDE * sides
        inside = ((self.landmarks >= low) & (self.landmarks <= high)).all(axis=(1, 2))  # false for NaN
        return self.chosen(spread & inside)


class Detector(Protocol):
    """Finds faces."""

    name: str

    def detect(self, pixels: RGB) -> Detections:
        """Faces of one RGB image (height, width, 3)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything the result depends on (parameters, weight digests); part of cache keys and run.json."""
        ...


class Recognizer(Protocol):
    """Embeds aligned face crops."""

    name: str
    alignment: Alignment

    def embed(self, crops: RGB) -> Float:
        """Embeddings (n, d) of crops (n, size, size, 3) RGB; not necessarily normalised."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything the result depends on; part of cache keys and run.json."""
        ...


class ImageEncoder(Protocol):
    """Encodes whole images (CLIP, aesthetics)."""

    name: str

    def encode(self, images: list[RGB]) -> Float:
        """One vector per image, (n, d)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything the result depends on; part of cache keys and run.json."""
        ...


@dataclass(frozen=True)
class Faces:
    """Every face of one image.

    width, height in pixels; luma (n, 112, 112) uint8 of the ArcFace-aligned crops; embeddings
    (n, d) by recognizer name; encodings (d,) of the whole image by encoder name. `first_look` of them are what the
    detector found in the image as it is; those after it, a second look (`idbench.faces.second_look`) found.
    """

    width: int
    height: int
    found: Detections
    luma: RGB
    embeddings: dict[str, Float] = field(default_factory=dict)
    encodings: dict[str, Float] = field(default_factory=dict)
    first_look: int = 0

    def __len__(self) -> int:
        return len(self.found)

    def embeddings_of_first_look(self, recognizer: str) -> Float:
        """Embeddings (n, d) of the faces that were found in the image as it is."""
        return self.embeddings[recognizer][: self.first_look]


@dataclass(frozen=True)
class Analysis:
    """What became of one image: its faces, or the reason it could not be read. `digest` is "" if unread; `cached` says
    that the cache gives the same again by the digest."""

    digest: str
    faces: Faces | None = None
    error: str | None = None
    cached: bool = False
