"""MTCNN face detection (facenet-pytorch); its weights come with that package's wheel."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from idbench.errors import MissingPackageError
from idbench.faces.facenet import INSTALL
from idbench.faces.runtime import torch_device
from idbench.faces.types import Detections
from idbench.images import RGB
from idbench.kinds import DetectorKind

__all__ = ["DETECTOR", "MtcnnDetector", "open_detector"]

STAGE_THRESHOLDS = (0.6, 0.7, 0.7)
MIN_FACE = 20


class MtcnnDetector:
    """Three-stage MTCNN, all faces, most confident first."""

    name = "mtcnn"

    def __init__(self, device: str = "auto", threshold: float = 0.0) -> None:
        try:
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise MissingPackageError(f"detector mtcnn needs facenet-pytorch: {INSTALL}") from error
        self.threshold = threshold
        self._device = torch_device(device)
        self._network = MTCNN(
            keep_all=True, select_largest=False, thresholds=list(STAGE_THRESHOLDS),
            min_face_size=MIN_FACE, device=self._device,
        )  # fmt: skip

    def detect(self, pixels: RGB) -> Detections:
        """Faces of one RGB image."""
        if min(pixels.shape[:2]) < MIN_FACE:
            return Detections.none()
        boxes, scores, landmarks = self._network.detect(pixels, landmarks=True)
        if boxes is None:
            return Detections.none()
        scores = np.asarray(scores, dtype=np.float32)
        kept = np.flatnonzero(scores >= self.threshold)
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        return Detections(np.asarray(boxes, np.float32)[kept], np.asarray(landmarks, np.float32)[kept], scores[kept])

    def describe(self) -> dict[str, Any]:
        """Everything the detections depend on."""
        return {
            "kind": "mtcnn",
            "package": f"facenet-pytorch {version('facenet-pytorch')}",
            "stages": list(STAGE_THRESHOLDS),
            "smallest_face": MIN_FACE,
            "threshold": self.threshold,
            "providers": [str(self._device)],
            "licence": "facenet-pytorch: MIT",
        }


def open_detector(location: str, device: str, threshold: float | None) -> MtcnnDetector:
    """MTCNN takes no location."""
    return MtcnnDetector(device, threshold or 0.0)


DETECTOR = DetectorKind(
    open=open_detector,
    form="mtcnn",
    what="MTCNN (facenet-pytorch)",
    here=lambda: (
        f"package missing ({INSTALL})"
        if find_spec("facenet_pytorch") is None
        else "ready: weights come with the package"
    ),
)
