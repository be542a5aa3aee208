"""AdaFace (Kim et al., CVPR 2022) with the IR-50 and IR-101 networks, from the released checkpoints.

`adaface:adaface_ir50_ms1mv2.ckpt`. Input: ArcFace-aligned 112 px, BGR, (x / 255 - 0.5) / 0.5.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from idbench.errors import MissingPackageError, WeightsError
from idbench.faces.align import ARCFACE_112
from idbench.faces.onnx import Preprocessing
from idbench.faces.runtime import file_digest, torch_device
from idbench.faces.types import Float
from idbench.images import RGB
from idbench.kinds import RecognizerKind
from idbench.torch_weights import load_state_dict

__all__ = ["RECOGNIZER", "AdaFaceRecognizer", "open_recognizer"]

INSTALL = "pip install 'idbench[torch]'"


class AdaFaceRecognizer:
    """512-d AdaFace embeddings."""

    alignment = ARCFACE_112
    preprocessing = Preprocessing("bgr", (127.5,), (127.5,))

    def __init__(self, name: str, weights: Path, device: str = "auto") -> None:
        try:
            from idbench.faces.adaface_network import network_of
        except ImportError as error:
            raise MissingPackageError(f"recognizer adaface needs torch: {INSTALL}") from error
        self.name = name
        self._weights = weights
        self._device = torch_device(device)
        self._network = network_of(load_state_dict(weights), str(weights)).to(self._device)

    def embed(self, crops: RGB) -> Float:
        """Embeddings (n, 512) of crops (n, 112, 112, 3) RGB."""
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(self.preprocessing.apply(crops)).to(self._device)
            return np.asarray(self._network(batch)[0].float().cpu().numpy(), dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything the embeddings depend on."""
        return {
            "kind": "adaface",
            "family": "adaface",
            "weights": {self._weights.name: file_digest(self._weights)},
            "alignment": self.alignment.describe(),
            "preprocessing": self.preprocessing.describe(),
            "providers": [str(self._device)],
            "licence": "AdaFace: MIT; training sets have terms of their own",
        }


def open_recognizer(name: str, location: str, device: str) -> AdaFaceRecognizer:
    """From a released checkpoint file."""
    if not location:
        raise WeightsError(
            "recognizer adaface needs a checkpoint: adaface:FILE (released at github.com/mk-minchul/AdaFace)"
        )
    return AdaFaceRecognizer(name, Path(location).expanduser(), device)


RECOGNIZER = RecognizerKind(
    open=open_recognizer,
    form="adaface:FILE",
    what="AdaFace IR-50 or IR-101, released checkpoint",
    family="adaface",
    here=lambda: "name a checkpoint file" if find_spec("torch") else f"torch missing: {INSTALL}",
    stacks_references=True,
)
