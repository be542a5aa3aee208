"""Oracles: models with a known answer, in every run, so that every table carries its own ruler.

oracle-target      the target given back: copy-paste -1, similarity to the target 1
oracle-reference   the reference given back: copy-paste 1
oracle-paste       the reference face pasted into the target by landmarks: the forgery to be caught
oracle-stranger    another case's target: nobody's face; similarity at chance level
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from idbench.faces.align import similarity_transform
from idbench.images import MAX_JPEG_SIDE, RGB

__all__ = ["PASTE_VERSION", "paste_face", "side_by_side"]

PASTE_VERSION = 1
"""Raise it when `paste_face` gives other pixels for the same photos."""


def paste_face(target: RGB, reference: RGB, target_landmarks: npt.ArrayLike, reference_landmarks: npt.ArrayLike) -> RGB:
    """A copy of `target` with the reference's face laid over by five landmarks (5, 2), with a soft edge.

    Brightness and colour of the pasted face are shifted to the mean of what it covers; pose, expression
    and light stay the reference's, which is what copy-paste means.
    """
    goal = np.asarray(target_landmarks, np.float64)
    matrix = similarity_transform(reference_landmarks, goal)
    height, width = target.shape[:2]
    face = cv2.warpAffine(reference, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mask = _face_mask((height, width), goal)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    pasted = target.copy()
    if len(rows):
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pasted[part] = _blend(target[part], face[part], mask[part])
    return pasted


def _blend(base: RGB, face: RGB, mask: RGB) -> RGB:
    """Lay `face` over `base` where `mask` (0..255) says, its mean colour shifted to that of what it covers."""
    share = mask[..., None].astype(np.float32) / 255
    below, above = base.astype(np.float32), face.astype(np.float32)
    core = mask > 127
    if core.any():
        above += below[core].mean(axis=0) - above[core].mean(axis=0)
    return np.clip(np.rint(share * above + (1 - share) * below), 0, 255).astype(np.uint8)


def _face_mask(shape: tuple[int, int], landmarks: npt.NDArray[np.float64]) -> RGB:
    """Soft ellipse (height, width), 0..255, over a face's landmarks, turned with the eyes."""
    eyes = landmarks[1] - landmarks[0]
    distance = float(np.linalg.norm(eyes))
    centre = (round(float(landmarks[:, 0].mean())), round(float(landmarks[:, 1].mean())))
    axes = (round(1.05 * distance), round(1.35 * distance))
    angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, centre, axes, angle, 0, 360, 255, -1)
    blur = max(1, int(0.12 * distance)) * 2 + 1
    return np.asarray(cv2.GaussianBlur(mask, (blur, blur), 0), np.uint8)


def side_by_side(images: Sequence[RGB], height: int = 768) -> RGB:
    """Photos at one height beside each other: what giving back several references looks like.

    Raises `ValueError` if they are too wide for one image.
    """
    widths = [max(1, round(image.shape[1] * height / image.shape[0])) for image in images]
    if sum(widths) > MAX_JPEG_SIDE:
        raise ValueError(f"side by side the references are {sum(widths)} pixels wide, more than {MAX_JPEG_SIDE}")
    scaled = [
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        for image, width in zip(images, widths, strict=True)
    ]
    return np.asarray(np.concatenate(scaled, axis=1), dtype=np.uint8)
