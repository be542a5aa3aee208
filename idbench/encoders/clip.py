"""CLIP-I and CLIP-T through open_clip; ViT-B/16 with OpenAI's weights is what the paper compares with.

`auto` takes the OpenAI weights from the Hugging Face cache if they are there; a path names a file
(`ViT-B-16.pt`, `open_clip_model.safetensors`), optionally with `?arch=ViT-L-14-quickgelu`.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from idbench.errors import MissingPackageError, WeightsError
from idbench.faces.runtime import file_digest, split_spec, torch_device
from idbench.faces.types import Float
from idbench.images import RGB

__all__ = ["ClipEncoder", "find_weights", "here", "open_encoder"]

ARCHITECTURE = "ViT-B-16-quickgelu"
HUB_ID = "timm/vit_base_patch16_clip_224.openai"
HUB_FILE = "open_clip_model.safetensors"


def find_weights() -> Path | None:
    """The OpenAI ViT-B/16 weights in the Hugging Face cache, if they are on this machine."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(HUB_ID, HUB_FILE)
    return Path(found) if isinstance(found, str) else None


def here() -> str:
    """What of CLIP is on this machine, in one line."""
    if find_spec("open_clip") is None:
        return "open_clip missing: pip install 'idbench[torch]'"
    if (found := find_weights()) is not None:
        return str(found)
    return f"weights not here: put {HUB_ID}/{HUB_FILE} into the Hugging Face cache, or --clip FILE"


class ClipEncoder:
    """Unit image and text vectors of one CLIP network."""

    name = "clip"

    def __init__(self, weights: Path, architecture: str = ARCHITECTURE, device: str = "auto") -> None:
        try:
            import open_clip
        except ImportError as error:
            raise MissingPackageError("CLIP needs open_clip: pip install 'idbench[torch]'") from error
        if not weights.is_file():
            raise WeightsError(f"CLIP weights expected at {weights}, not found")
        self._device = torch_device(device)
        try:
            network, _, self._transform = open_clip.create_model_and_transforms(
                architecture, pretrained=str(weights), device=self._device
            )
        except (RuntimeError, ValueError, KeyError, AssertionError) as error:  # open_clip asserts shapes
            reason = (str(error).splitlines() or ["no reason given"])[0][:120]
            raise WeightsError(f"{weights} does not fit CLIP {architecture} ({reason})") from error
        self._network = network.eval()
        self._tokenizer = open_clip.get_tokenizer(architecture)
        self._architecture = architecture
        self._weights = weights

    def encode(self, images: list[RGB]) -> Float:
        """Unit vectors (n, d) of RGB images."""
        import torch

        with torch.inference_mode():
            batch = torch.stack([self._transform(Image.fromarray(image)) for image in images])
            vectors = self._network.encode_image(batch.to(self._device), normalize=True)
            return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)

    def encode_text(self, prompt: str) -> tuple[Float, bool]:
        """Unit vector (d,) of a prompt, and whether it was cut at the network's context length."""
        import torch

        with torch.inference_mode():
            tokens = self._tokenizer([prompt])
            vector = self._network.encode_text(tokens.to(self._device), normalize=True)[0]
        longer = self._tokenizer([prompt], context_length=4 * tokens.shape[1])
        cut = int((longer != 0).sum()) > tokens.shape[1]
        return np.asarray(vector.float().cpu().numpy(), dtype=np.float32), cut

    def describe(self) -> dict[str, Any]:
        """Everything the vectors depend on."""
        return {
            "kind": "clip",
            "architecture": self._architecture,
            "package": f"open_clip {version('open_clip_torch')}",
            "weights": {self._weights.name: file_digest(self._weights)},
            "providers": [str(self._device)],
        }


def open_encoder(spec: str, device: str = "auto") -> ClipEncoder | None:
    """The encoder for `auto`, `off` or a weight file; None where CLIP is off or `auto` finds no weights."""
    if spec == "off":
        return None
    if spec == "auto":
        found = find_weights()
        return ClipEncoder(found, ARCHITECTURE, device) if found else None
    path, values = split_spec(spec, {"arch": str})
    return ClipEncoder(Path(path).expanduser(), values.get("arch", ARCHITECTURE), device)
