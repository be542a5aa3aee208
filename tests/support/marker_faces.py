"""A detector and a recognizer that understand red squares: what a detector of one size sees and misses, without weights."""

from __future__ import annotations

import cv2
import numpy as np

from idbench.faces.align import ARCFACE_112
from idbench.faces.types import Detections
from idbench.images import EncodedImage, encode_png

PLACES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]], np.float32)
"""Landmarks in a face's box."""


def picture(width: int, height: int, *squares: tuple[int, int, int]) -> np.ndarray:
    """Grey, with red squares (left, top, side); their green tells them apart."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    for number, (left, top, side) in enumerate(squares):
        pixels[top : top + side, left : left + side] = (255, 20 * number, 0)
    return pixels


def image(name: str, pixels: np.ndarray) -> EncodedImage:
    return EncodedImage(name, data=encode_png(pixels))


class MarkerDetector:
    """Finds red squares of 5 to 60 % of the longer side of what it is shown, from the left to the right."""

    name = "marker"

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []

    def detect(self, pixels: np.ndarray) -> Detections:
        self.shown.append(pixels.shape[:2])
        red = ((pixels[..., 0] > 180) & (pixels[..., 2] < 80)).astype(np.uint8)
        _, _, found, _ = cv2.connectedComponentsWithStats(red)
        share = found[1:, 2:4].max(axis=1) / max(pixels.shape[:2]) if len(found) > 1 else np.empty(0)
        seen = found[1:][(share >= 0.05) & (share <= 0.6)]
        seen = seen[np.argsort(seen[:, 0], kind="stable")].astype(np.float32)
        boxes = np.concatenate([seen[:, :2], seen[:, :2] + seen[:, 2:4]], axis=1)
        landmarks = seen[:, None, :2] + PLACES * seen[:, None, 2:4]
        return Detections(boxes, landmarks, np.full(len(seen), 0.9, np.float32))

    def describe(self) -> dict[str, object]:
        return {"kind": "marker"}


class MeanColour:
    """Embeds a crop as the mean colour of its middle."""

    name = "colour"
    alignment = ARCFACE_112

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, crops: np.ndarray) -> np.ndarray:
        self.embedded += len(crops)
        return crops[:, 40:72, 40:72].mean(axis=(1, 2)).astype(np.float32)

    def describe(self) -> dict[str, object]:
        return {"kind": "colour"}
