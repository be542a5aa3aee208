"""FaceNet (facenet-pytorch's InceptionResnetV1) with the preprocessing its documentation asks for.

RGB crops of the detection box at 160 px, (x - 127.5) / 128. `facenet` or `facenet:vggface2`,
`facenet:casia-webface`, or `facenet:<state dict file>`.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from idbench.errors import MissingPackageError, WeightsError
from idbench.faces.align import Alignment
from idbench.faces.onnx import Preprocessing
from idbench.faces.runtime import file_digest, torch_device
from idbench.faces.types import Float
from idbench.images import RGB
from idbench.kinds import RecognizerKind
from idbench.torch_weights import load_state_dict

__all__ = ["RECOGNIZER", "FacenetRecognizer", "open_recognizer", "released_weights"]

RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
INSTALL = "pip install --no-deps facenet-pytorch==2.6.0"
FILES = {"vggface2": "20180402-114759-vggface2.pt", "casia-webface": "20180408-102900-casia-webface.pt"}


def released_weights(name: str) -> Path:
    """Where facenet-pytorch itself keeps the released weights called `name`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    return home / "checkpoints" / FILES[name]


class FacenetRecognizer:
    """512-d FaceNet embeddings."""

    alignment = Alignment("box", 160)
    preprocessing = Preprocessing("rgb", (127.5,), (128.0,))

    def __init__(self, name: str, weights: Path, device: str = "auto") -> None:
        try:
            from facenet_pytorch import InceptionResnetV1
        except ImportError as error:
            raise MissingPackageError(f"recognizer facenet needs facenet-pytorch: {INSTALL}") from error
        state = {key: value for key, value in load_state_dict(weights).items() if not key.startswith("logits.")}
        network = InceptionResnetV1(pretrained=None).eval()
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(
                f"{weights} is not an InceptionResnetV1 state dict ({str(error).splitlines()[-1].strip()[:120]})"
            ) from error
        self.name = name
        self._weights = weights
        self._device = torch_device(device)
        self._network = network.to(self._device)

    def embed(self, crops: RGB) -> Float:
        """Embeddings (n, 512) of crops (n, 160, 160, 3) RGB."""
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(self.preprocessing.apply(crops)).to(self._device)
            return np.asarray(self._network(batch).float().cpu().numpy(), dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything the embeddings depend on."""
        return {
            "kind": "facenet",
            "family": "facenet",
            "weights": {self._weights.name: file_digest(self._weights)},
            "alignment": self.alignment.describe(),
            "preprocessing": self.preprocessing.describe(),
            "providers": [str(self._device)],
            "licence": "facenet-pytorch: MIT; training sets have terms of their own",
        }


def open_recognizer(name: str, location: str, device: str) -> FacenetRecognizer:
    """By released name (default vggface2) or state dict file."""
    location = location or "vggface2"
    weights = released_weights(location) if location in FILES else Path(location).expanduser()
    if not weights.is_file():
        source = f"; download {RELEASE}{FILES[location]}" if location in FILES else ""
        raise WeightsError(f"FaceNet weights expected at {weights}, not found{source}")
    return FacenetRecognizer(name, weights, device)


def _here() -> str:
    package = f"package missing ({INSTALL})" if find_spec("facenet_pytorch") is None else "package installed"
    weights = ", ".join(name for name in FILES if released_weights(name).is_file())
    return f"{package}; weights {weights or 'none'} in {released_weights('vggface2').parent}"


RECOGNIZER = RecognizerKind(
    open=open_recognizer,
    form="facenet[:vggface2|casia-webface|FILE]",
    what="FaceNet (facenet-pytorch), documented preprocessing",
    family="facenet",
    here=_here,
    stacks_references=True,
)
