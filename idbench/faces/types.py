"""What detectors, recognizers and image encoders offer, and what an analysed image holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from idbench.faces.align import Alignment
from idbench.images import RGB

__all__ = ["Analysis", "Detections", "Detector", "Faces", "ImageEncoder", "Recognizer"]

Float = npt.NDArray[np.float32]


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

    def with_spread_landmarks(self) -> Detections:
        """Without faces whose landmarks coincide: they cannot be aligned."""
        spread = np.ptp(self.landmarks, axis=1).max(axis=1, initial=0) > 1e-3
        return Detections(self.boxes[spread], self.landmarks[spread], self.scores[spread])


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
    (n, d) by recognizer name; encodings (d,) of the whole image by encoder name.
    """

    width: int
    height: int
    found: Detections
    luma: RGB
    embeddings: dict[str, Float] = field(default_factory=dict)
    encodings: dict[str, Float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True)
class Analysis:
    """What became of one image: its faces, or the reason it could not be read. `digest` is "" if unread; `cached` says
    that the cache gives the same again by the digest."""

    digest: str
    faces: Faces | None = None
    error: str | None = None
    cached: bool = False
