"""A person on black: what the SigLIP branch is shown of a reference, so that it cannot copy the background.

A segmentation network as .onnx, such as `briaai/RMBG-2.0`: RGB in, normalised as ImageNet is, one map of the
foreground out. The published code gives that network unnormalised pixels of 512 x 512; here it gets what it was
trained on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from idbench.errors import WeightsError

__all__ = ["Matting"]

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
SIDE = 1024
"""Pixels of the network's input where the file does not fix them."""


class Matting:
    """Cuts out the foreground. Raises `WeightsError`, one line, if the file is no network of one image."""

    def __init__(self, file: Path) -> None:
        from idbench.faces.runtime import onnx_session

        self._session = onnx_session(file, "cpu")
        self._input = self._session.get_inputs()[0]
        shape = self._input.shape
        if len(shape) != 4 or shape[1] not in (3, "channels", None):
            raise WeightsError(f"{file}: expected a network of images (1, 3, height, width), found input {shape}")
        self._side = shape[2] if isinstance(shape[2], int) else SIDE

    def on_black(self, image: Image.Image) -> Image.Image:
        """The image with its background black, by the network's degree of certainty."""
        size = (self._side, self._side)
        pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR), np.float32) / 255
        batch = ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None]
        found = np.asarray(self._session.run(None, {self._input.name: batch})[-1], np.float32).reshape(size[::-1])
        if found.min() < 0 or found.max() > 1:  # some exports leave out the last sigmoid
            found = 1 / (1 + np.exp(-np.clip(found, -50, 50)))
        mask = Image.fromarray(np.rint(found * 255).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
        return Image.composite(image.convert("RGB"), Image.new("RGB", image.size), mask)
