"""Aesthetic score in the manner of aesthetic-predictor-v2.5: a small head on SigLIP's pooled output.

The encoder is `google/siglip-so400m-patch14-384`, the head `aesthetic_predictor_v2_5.pth` of
github.com/discus0434/aesthetic-predictor-v2-5 (AGPL-3.0; only its weight file is used, if you have it).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from idbench.errors import MissingPackageError, WeightsError
from idbench.faces.runtime import file_digest, torch_device
from idbench.faces.types import Float
from idbench.images import RGB
from idbench.store import default_cache_dir
from idbench.torch_weights import load_state_dict

__all__ = ["AestheticEncoder", "default_folder", "here", "open_encoder"]

HEAD_FILE = "aesthetic_predictor_v2_5.pth"
ENCODER_FOLDER = "siglip-so400m-patch14-384"
WIDTHS = (1024, 128, 64, 16, 1)


def default_folder() -> Path:
    """Where the head file and the SigLIP folder are looked for."""
    return default_cache_dir() / "weights" / "aesthetic"


def here() -> str:
    """What of the predictor is on this machine, in one line."""
    if find_spec("transformers") is None:
        return "transformers missing: pip install 'idbench[torch]'"
    folder = default_folder()
    if (folder / HEAD_FILE).is_file():
        return str(folder)
    return f"weights not here: {HEAD_FILE} and {ENCODER_FOLDER}/ go to {folder}"


def _head(width: int) -> Any:
    """Linear layers with dropout between, named as in the released head (`scoring_head.0`, `.2`, ...)."""
    from torch import nn

    layers: list[Any] = []
    for before, after in zip((width, *WIDTHS[:-1]), WIDTHS, strict=True):
        layers += [nn.Linear(before, after), nn.Dropout(0.5)]
    return nn.Sequential(*layers[:-1])


class AestheticEncoder:
    """One score per image, about 1 (poor) to 10 (beautiful)."""

    name = "aesthetic"

    def __init__(self, folder: Path, device: str = "auto") -> None:
        try:
            from transformers import SiglipImageProcessor, SiglipVisionModel
        except ImportError as error:
            raise MissingPackageError("aesthetics needs transformers: pip install 'idbench[torch]'") from error
        encoder, head = folder / ENCODER_FOLDER, folder / HEAD_FILE
        if not encoder.is_dir() or not head.is_file():
            raise WeightsError(f"aesthetics expects {HEAD_FILE} and the folder {ENCODER_FOLDER} in {folder}")
        self._device = torch_device(device)
        self._processor = SiglipImageProcessor.from_pretrained(encoder)
        self._encoder = SiglipVisionModel.from_pretrained(encoder, use_safetensors=True).eval().to(self._device)
        self._head = _head(self._encoder.config.hidden_size).eval()
        state = {k.removeprefix("scoring_head."): v for k, v in load_state_dict(head).items()}
        try:
            self._head.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(
                f"{head} does not fit the aesthetic head ({str(error).splitlines()[-1].strip()[:120]})"
            ) from error
        self._head.to(self._device)
        self._files = [head, *sorted(encoder.glob("*.safetensors")), *sorted(encoder.glob("*.json"))]

    def encode(self, images: list[RGB]) -> Float:
        """Scores (n, 1) of RGB images."""
        import torch

        with torch.inference_mode():
            pixels = self._processor(images=[Image.fromarray(i) for i in images], return_tensors="pt").pixel_values
            pooled = self._encoder(pixels.to(self._device)).pooler_output
            scores = self._head(pooled / pooled.norm(dim=-1, keepdim=True))
            return np.asarray(scores.float().cpu().numpy(), dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything the scores depend on."""
        weights = {file.name: file_digest(file) for file in self._files}
        return {"kind": "aesthetic", "weights": weights, "providers": [str(self._device)]}


def open_encoder(spec: str, device: str = "auto") -> AestheticEncoder | None:
    """The encoder for `auto`, `off` or a folder; None where it is off or `auto` finds no weights."""
    folder = default_folder() if spec == "auto" else Path(spec).expanduser()
    if spec == "off" or (spec == "auto" and not (folder / HEAD_FILE).is_file()):
        return None
    return AestheticEncoder(folder, device)
