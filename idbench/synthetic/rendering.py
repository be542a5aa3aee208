"""From people and their appearance to a picture, with everything known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from idbench.images import RGB
from idbench.records import Box
from idbench.synthetic.appearance import Appearance, Background, Camera, Pose
from idbench.synthetic.identity import Identity

__all__ = ["RENDER_VERSION", "Picture", "Place", "RenderedFace", "Sitter", "render"]

RENDER_VERSION = 1
"""Raise it when the same people in the same appearance give another picture."""


@dataclass(frozen=True)
class Place:
    """Where a head is in the picture: its centre as a share of width and height, and the height of the
    head (crown to chin) as a share of the picture's height. Later sitters stand in front of earlier ones."""

    x: float = 0.5
    y: float = 0.45
    head: float = 0.55


@dataclass(frozen=True)
class Sitter:
    """One person in a picture."""

    identity: Identity
    appearance: Appearance
    place: Place = Place()


@dataclass(frozen=True)
class RenderedFace:
    """What is known about one face of a picture.

    box x1, y1, x2, y2 of the face (brow to chin, as detectors draw it) and landmarks (5, 2) eyes,
    nose tip, mouth corners, image-left first, in pixels; `visible`: share of the face's pixels that no
    other person or the picture's edge hides.
    """

    box: Box
    landmarks: npt.NDArray[np.float32]
    pose: Pose
    visible: float


@dataclass(frozen=True)
class Picture:
    """A rendered picture: RGB pixels (height, width, 3) uint8, its faces in the order of the sitters,
    and `mask` (height, width) float32: the share of each pixel covered by people."""

    pixels: RGB
    faces: tuple[RenderedFace, ...]
    mask: npt.NDArray[np.float32]


def render(
    sitters: Sequence[Sitter],
    background: Background = Background(),
    camera: Camera = Camera(),
    width: int = 256,
    height: int = 256,
    supersampling: float = 1.5,
) -> Picture:
    """Draw people. The same arguments give the same picture."""
    raise NotImplementedError
