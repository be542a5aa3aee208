"""A card for tests, and weights as they lie on disk."""

from __future__ import annotations

import json
import struct
from pathlib import Path

CARD = """
name = "mine"
kind = "diffusers"
title = "Mine"
summary = "A card for tests."
max_people = 2
packages = ["torch"]
batch = 4
[source]
[licence]
code = "MIT"
weights = "MIT"
[[weights]]
role = "base"
form = "pipeline"
hub = "me/mine"
gigabytes = 1.5
licence = "MIT"
[billions]
transformer = 10
vae = 0.5
[parameters.steps]
default = 25
low = 1
high = 100
meaning = "steps"
[parameters.guidance]
default = 4.0
low = 0
meaning = "guidance"
[parameters.dtype]
default = "bfloat16"
choices = ["bfloat16", "float32"]
loading = true
meaning = "format"
[parameters.width]
default = 512
low = 64
high = 2048
meaning = "pixels"
[parameters.height]
default = 512
low = 64
high = 2048
meaning = "pixels"
[pipeline]
class = "FluxPipeline"
references = "none"
[pipeline.arguments]
steps = "num_inference_steps"
guidance = "guidance_scale"
width = "width"
height = "height"
"""


def tensors(path: Path, size: int = 16, cut: int = 0) -> Path:
    """A file in the safetensors format with one tensor of `size` half-precision numbers, `cut` bytes short."""
    header = json.dumps({"w": {"dtype": "BF16", "shape": [size], "data_offsets": [0, 2 * size]}}).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(2 * size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data[: len(data) - cut])
    return path


def pipeline(folder: Path, cut: int = 0) -> Path:
    tensors(folder / "transformer" / "model-1.safetensors", 100)
    tensors(folder / "transformer" / "model-2.safetensors", 100, cut)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))
    tensors(folder / "vae" / "model.safetensors", 20)
    tensors(folder / "single-file-copy.safetensors", 999)
    parts = {"transformer": ["diffusers", "X"], "vae": ["diffusers", "Y"], "image_encoder": [None, None]}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "P"} | parts))
    return folder


def write_card(root: Path) -> Path:
    """The folder of the card."""
    folder = root / "mine"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD)
    return folder
