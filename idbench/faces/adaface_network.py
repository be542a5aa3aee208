"""The networks of AdaFace, named as in the released checkpoints. Imports torch; `idbench.faces.adaface` does not."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from idbench.errors import WeightsError

__all__ = ["AdaFaceNetwork", "network_of"]

UNITS = {24: (3, 4, 14, 3), 49: (3, 13, 30, 3)}
"""Blocks per stage by their total: IR-50 has 24 blocks, IR-101 has 49."""


class Block(nn.Module):  # type: ignore[misc]
    """Improved residual block: BN, conv, BN, PReLU, strided conv, BN; projection where the width changes."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = (
            nn.MaxPool2d(1, stride)
            if width_in == width
            else nn.Sequential(nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(width_in),
            nn.Conv2d(width_in, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, width_in, h, w) -> (n, width, h / stride, w / stride)."""
        result: torch.Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return result


class AdaFaceNetwork(nn.Module):  # type: ignore[misc]
    """IR-50 or IR-101 backbone with a 512-d head; module names follow the released checkpoints."""

    def __init__(self, units: tuple[int, ...]) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        blocks: list[Block] = []
        width_in = 64
        for width, count in zip((64, 128, 256, 512), units, strict=True):
            blocks += [Block(width_in, width, 2)] + [Block(width, width, 1) for _ in range(count - 1)]
            width_in = width
        self.body = nn.Sequential(*blocks)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 512),
            nn.BatchNorm1d(512, affine=False),
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, 112, 112) BGR in [-1, 1] -> unit embeddings (n, 512) and their norms (n, 1)."""
        feature = self.output_layer(self.body(self.input_layer(x)))
        norm = torch.linalg.vector_norm(feature, dim=1, keepdim=True)
        return feature / norm, norm


def network_of(state: dict[str, Any], source: str) -> AdaFaceNetwork:
    """The network a state dict belongs to, loaded strictly; keys may carry the prefix `model.`."""
    if any(key.startswith("model.") for key in state):
        state = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}
    depth = len({key.split(".")[1] for key in state if key.startswith("body.")})
    if depth not in UNITS:
        raise WeightsError(f"{source}: expected an AdaFace IR-50 or IR-101 (24 or 49 blocks), found {depth} blocks")
    network = AdaFaceNetwork(UNITS[depth])
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"{source} does not fit AdaFace ({str(error).splitlines()[-1].strip()[:120]})") from error
    network.eval()
    return network
