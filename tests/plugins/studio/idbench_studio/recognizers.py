"""Recognizers and a detector; nobody would publish numbers of theirs."""

import numpy as np

from idbench.faces.align import Alignment
from idbench.faces.types import Detections
from idbench.kinds import DetectorKind, RecognizerKind


class Pixels:
    """The crop's own pixels as an embedding."""

    alignment = Alignment("box", 32)

    def __init__(self, name, kind):
        self.name, self.kind = name, kind

    def embed(self, crops):
        return crops.reshape(len(crops), -1).astype("float32") - 100

    def describe(self):
        return {"kind": self.kind, "family": self.kind, "weights": {}, "providers": ["numpy"]}


class Middle:
    """One face, in the middle of every image."""

    name = "middle"

    def detect(self, pixels):
        height, width = pixels.shape[:2]
        box = np.array([[width * 0.25, height * 0.25, width * 0.75, height * 0.75]], np.float32)
        spots = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.4, 0.6], [0.6, 0.6]], np.float32)
        return Detections(box, (spots * [width, height]).astype(np.float32)[None], np.ones(1, np.float32))

    def describe(self):
        return {"kind": "middle", "providers": ["numpy"]}


def open_brightness(name, location, device):
    return Pixels(name, "brightness")


COLOURS = RecognizerKind(
    open=lambda name, location, device: Pixels(name, "colours"),
    form="colours[:PALETTE]",
    what="compares colours",
    family="colours",
    here=lambda: "two palettes",
    detector=lambda location: "middle",
)
MIDDLE = DetectorKind(open=lambda location, device, threshold: Middle(), what="a face in the middle")
