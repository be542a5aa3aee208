"""Any face recognition network in an .onnx file, with its preprocessing declared.

`onnx:model.onnx?size=112&color=rgb&mean=127.5&scale=127.5&align=arcface&margin=0`

The network's input is (pixel - mean) / scale in NCHW, 32 or 16 bits; mean and scale are one number or three. What its
input declares is compared with that when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idbench.errors import ConfigError, WeightsError
from idbench.faces.align import Alignment
from idbench.faces.runtime import file_digest, onnx_session, split_spec
from idbench.faces.types import Float
from idbench.images import RGB
from idbench.kinds import RecognizerKind

__all__ = ["RECOGNIZER", "OnnxRecognizer", "Preprocessing", "open_recognizer"]

INPUT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}

MIN_WIDTH = 16
"""Numbers of an embedding beside which a network gives something else, such as its norm."""

PARAMETERS = {"size": int, "color": str, "mean": list, "scale": list, "align": str, "margin": int}


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB crop to network input: colour order, then (x - mean) / scale per channel of that order."""

    color: str = "rgb"
    mean: tuple[float, ...] = (127.5,)
    scale: tuple[float, ...] = (127.5,)

    def __post_init__(self) -> None:
        if self.color not in ("rgb", "bgr"):
            raise ConfigError(f"color must be rgb or bgr, found '{self.color}'")
        if not all(len(values) in (1, 3) for values in (self.mean, self.scale)) or 0 in self.scale:
            raise ConfigError("mean and scale need one number or three, and scale must not be 0")

    def apply(self, crops: RGB) -> Float:
        """uint8 (n, h, w, 3) RGB -> float32 (n, 3, h, w)."""
        ordered = crops if self.color == "rgb" else crops[..., ::-1]
        mean, scale = np.asarray(self.mean, np.float32), np.asarray(self.scale, np.float32)
        scaled = (ordered.astype(np.float32) - mean) / scale
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """For cache keys and run.json."""
        return {"color": self.color, "mean": list(self.mean), "scale": list(self.scale)}


class OnnxRecognizer:
    """Embeds crops with an ONNX network; networks with a fixed batch are fed in pieces of that size."""

    def __init__(
        self,
        name: str,
        path: Path,
        alignment: Alignment,
        preprocessing: Preprocessing,
        device: str = "auto",
        about: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.alignment = alignment
        self.preprocessing = preprocessing
        self.session = onnx_session(path, device)
        self._about = about or {}
        self._digest = file_digest(path)
        self._file = path.name
        feed = self.session.get_inputs()
        self._type = _input_type(path, feed, alignment.size)
        self._output = _embedding_output(path, [output.shape for output in self.session.get_outputs()])
        self._input = feed[0].name
        self._batch = feed[0].shape[0] if isinstance(feed[0].shape[0], int) and feed[0].shape[0] > 0 else None

    def embed(self, crops: RGB) -> Float:
        """Embeddings (n, d) of crops (n, size, size, 3) RGB."""
        pieces = self.preprocessing.apply(crops)
        size = self._batch or len(pieces)
        return np.concatenate([self._run(pieces[i : i + size], size) for i in range(0, len(pieces), size)])

    def _run(self, piece: Float, size: int) -> Float:
        """One forward pass; a last piece shorter than a fixed batch is filled up with zeros."""
        missing = size - len(piece)
        feed = np.concatenate([piece, np.zeros((missing, *piece.shape[1:]), np.float32)]) if missing else piece
        output = self.session.run(None, {self._input: feed.astype(self._type, copy=False)})[self._output]
        return np.asarray(output.reshape(size, -1)[: len(piece)], dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything the embeddings depend on."""
        return {
            **self._about,
            "weights": {self._file: self._digest},
            "alignment": self.alignment.describe(),
            "preprocessing": self.preprocessing.describe(),
            "providers": self.session.get_providers(),
        }


def _embedding_output(path: Path, shapes: Sequence[Sequence[object]]) -> int:
    """Which output is the embedding: the only one, or of several the only one (n, d) that may be `MIN_WIDTH` wide.

    Raises `WeightsError` where that cannot be told.
    """
    if len(shapes) == 1:
        wide = [0] if len(shapes[0]) in (2, 4) else []
    else:
        widths = [shape[1] if len(shape) == 2 else 0 for shape in shapes]
        wide = [i for i, width in enumerate(widths) if not isinstance(width, int) or width >= MIN_WIDTH]
    if len(wide) != 1:
        raise WeightsError(
            f"{path}: expected one embedding (n, d) per face, found outputs {[list(one) for one in shapes[:3]]}: "
            "a recognizer? Of several outputs one alone may be wide"
        )
    return wide[0]


def _input_type(path: Path, inputs: Sequence[Any], size: int) -> type:
    """The number type of a network's input. Raises `WeightsError` unless it takes crops (n, 3, size, size)."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise WeightsError(f"{path}: expected one image input (n, 3, h, w), found {[i.shape for i in inputs]}")
    shape, kind = inputs[0].shape, inputs[0].type
    found = f"({', '.join(str(n) if isinstance(n, int) else 'n' for n in shape)})"
    expected = (3, size, size)
    if any(isinstance(n, int) and n > 0 and n != wanted for n, wanted in zip(shape[1:], expected, strict=True)):
        if shape[3] == 3 and shape[1] != 3:
            do = "channels come last; export it with channels first (NCHW)"
        elif shape[1] == 3 and shape[2] == shape[3]:
            do = f"give size={shape[2]}"
        else:
            do = "is it a recognizer of square colour crops?"
        raise WeightsError(f"{path}: input is {found}, expected (n, 3, {size}, {size}); {do}")
    if kind not in INPUT_TYPES:
        raise WeightsError(f"{path}: input is {kind}, expected {', '.join(INPUT_TYPES)}")
    return INPUT_TYPES[kind]


def open_recognizer(name: str, location: str, device: str) -> OnnxRecognizer:
    """From `model.onnx?size=112&color=rgb&mean=127.5&scale=127.5&align=arcface`."""
    path, values = split_spec(location, PARAMETERS)
    alignment = Alignment(values.get("align", "arcface"), values.get("size", 112), values.get("margin", 0))
    preprocessing = Preprocessing(
        values.get("color", "rgb"), tuple(values.get("mean", (127.5,))), tuple(values.get("scale", (127.5,)))
    )
    about = {"kind": "onnx", "family": "unknown", "licence": "as its owner says"}
    return OnnxRecognizer(name, Path(path).expanduser(), alignment, preprocessing, device, about)


RECOGNIZER = RecognizerKind(
    open=open_recognizer,
    form="onnx:FILE?size=112&color=rgb&mean=127.5&scale=127.5&align=arcface",
    what="any recognition network",
    here=lambda: "name a file",
)
