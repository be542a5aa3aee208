"""Variation that rendering leaves out: what cameras, files and obstacles do to a picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from idbench.images import RGB

Float = npt.NDArray[np.float32]


def photographed(pixels: RGB, rng: np.random.Generator) -> RGB:
    """The picture with other brightness, contrast, colour cast, sharpness and noise."""
    image = pixels.astype(np.float32)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    image = (image - 127.5) * gain.astype(np.float32) + 127.5 + np.float32(rng.uniform(-28, 28))
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.5:
        image += np.float32(rng.uniform(0, 7)) * rng.standard_normal(image.shape, np.float32)
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def covered(pixels: RGB, rng: np.random.Generator, share: float = 0.45) -> RGB:
    """The picture with up to `share` of its width and height behind a plain rectangle."""
    height, width = pixels.shape[:2]
    h, w = (int(side * rng.uniform(0.1, share)) for side in (height, width))
    y, x = int(rng.integers(height - h)), int(rng.integers(width - w))
    result = pixels.copy()
    result[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return result


def as_input(images: list[RGB]) -> Float:
    """Images of one size to network input (n, 3, h, w) in [-1, 1]."""
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
