"""Loading torch checkpoints without ever running code from them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from idbench.errors import WeightsError

__all__ = ["load_state_dict"]


def load_state_dict(path: Path) -> dict[str, Any]:
    """Tensors by name from a .safetensors, .pt, .pth or .ckpt file.

    A checkpoint's `state_dict` entry is taken where there is one. Raises `WeightsError` if the file is
    absent, damaged, or holds anything but tensors and plain values (`weights_only=True`).
    """
    import torch

    if not path.is_file():
        raise WeightsError(f"no weights at {path}; put the file there or name another")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path} is not a plain tensor checkpoint; save its state_dict alone and name that file"
        ) from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(torch.is_tensor(value) for value in state.values()):
        raise WeightsError(f"{path}: expected a state dict of tensors, found {type(loaded).__name__}")
    return state
