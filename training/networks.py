"""mini's three networks and how they become ONNX files."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Embedder", "Finder", "Placer", "export"]

DIMENSION = 128


def conv(width_in: int, width: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


class Residual(nn.Module):  # type: ignore[misc]
    """Two convolutions around which the input passes."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.change = nn.Sequential(
            conv(width, width, 1, dilation), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) -> the same shape."""
        return torch.relu(x + self.change(x))


class Finder(nn.Module):  # type: ignore[misc]
    """Where faces are: per cell of 8 x 8 pixels the chance that a face's centre lies there, and the face's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, 2), conv(16, 32, 2), Residual(32), conv(32, 64, 2),
            Residual(64), Residual(64, 2), Residual(64, 4), Residual(64, 2),
        )  # fmt: skip
        self.head = nn.Conv2d(64, 5, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias[:1].data, -4.0)  # faces are rare: begin by expecting none

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, 8h, 8w) in [-1, 1] -> logits (n, 1, h, w) and shapes (n, 4, h, w) as `best_boxes` reads them."""
        answer = self.head(self.body(x)).float()
        return answer[:, :1], answer[:, 1:]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same with chances in [0, 1] for logits."""
        logits, shapes = self.raw(x)
        return torch.sigmoid(logits), shapes


class Placer(nn.Module):  # type: ignore[misc]
    """Where the five landmarks are in a window, as shares of its side."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 24, 2), Residual(24), conv(24, 48, 2), Residual(48), conv(48, 64, 2), Residual(64), conv(64, 32)
        )
        self.head = nn.Linear(32 * 8 * 8, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 64, 64) in [-1, 1] -> x and y of the landmarks (n, 10)."""
        return 0.5 + 0.1 * self.head(self.body(x).flatten(1)).float()


class Embedder(nn.Module):  # type: ignore[misc]
    """Who it is: a vector of 128 numbers whose direction counts. Looks at half the crop's resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 32, 2), Residual(32), conv(32, 64, 2), Residual(64), conv(64, 128, 2), Residual(128)
        )
        self.pool = nn.Sequential(nn.Conv2d(128, 128, 7, groups=128, bias=False), nn.BatchNorm2d(128))
        self.head = nn.Sequential(nn.Linear(128, DIMENSION, bias=False), nn.BatchNorm1d(DIMENSION, affine=False))

    def of_half(self, x: Tensor) -> Tensor:
        """(n, 3, 56, 56), crops at half resolution -> (n, 128)."""
        answer: Tensor = self.head(self.pool(self.body(x)).flatten(1))
        return answer.float()

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 112, 112) in [-1, 1] -> (n, 128)."""
        return self.of_half(functional.avg_pool2d(x, 2))


def export(network: nn.Module, side: int, outputs: list[str], path: Path, any_size: bool = False) -> None:
    """Write a network as ONNX: one image at a time, weights stored in half precision, arithmetic in single.

    One image at a time, because batched arithmetic may differ in the last bits.
    """
    axes = {name: {2: "height", 3: "width"} for name in ("image", *outputs)} if any_size else None
    network = network.eval().to(memory_format=torch.contiguous_format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs packages that idbench does not
        torch.onnx.export(
            network, (torch.zeros(1, 3, side, side),), str(path), input_names=["image"], output_names=outputs,
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
    model = onnx.load(str(path))
    _halve(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _halve(model: onnx.ModelProto) -> None:
    """Store single-precision weights as half, each followed by a cast that ONNX Runtime does once, on loading."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype("float16"), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
