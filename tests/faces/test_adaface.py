"""AdaFace: golden values, checkpoints, and pickles that hold code."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import WeightsError
from idbench.faces.specs import open_recognizers


def wave(n: int, factor: float, offset: float) -> np.ndarray:
    value = 43758.5453 * np.sin(factor * np.arange(n, dtype=np.float64) + offset)
    return value - np.floor(value)


def golden_weights(shapes: dict[str, list[int]], seed: int):
    """Weights as the golden file's `about` describes them."""
    import torch

    state = {}
    for name, shape in shapes.items():
        n = int(np.prod(shape)) if shape else 1
        v = 3.4641 * wave(n, 12.9898, zlib.crc32(f"{seed}:{name}".encode()) % 9973) - 1.7320
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        if name.endswith("running_var"):
            v = 1 + 0.5 * v
        elif name.endswith("running_mean"):
            v = 0.1 * v
        elif len(shape) == 4:
            v = 0.25 * v * np.sqrt(2 / np.prod(shape[1:]))
        elif len(shape) == 2:
            v = v * np.sqrt(1 / shape[1])
        elif name.endswith("bias"):
            v = 0.05 * v
        else:
            v = 1 + 0.2 * v
        state[name] = torch.from_numpy(v.reshape(shape).astype(np.float32))
    return state


@pytest.mark.golden
def test_adaface_agrees_with_the_published_network(golden, tmp_path):
    torch = pytest.importorskip("torch")
    from idbench.faces.adaface_network import network_of
    from idbench.torch_weights import load_state_dict

    values = json.loads((golden / "adaface_ir50.json").read_text())
    state = golden_weights(values["state_dict_shapes"], values["seed"])
    checkpoint = tmp_path / "adaface_ir50.ckpt"
    torch.save(
        {"state_dict": {f"model.{k}": v for k, v in state.items()} | {"head.kernel": torch.zeros(2)}},
        checkpoint,
    )
    network = network_of(load_state_dict(checkpoint), "golden")
    n = len(values["feature"])
    pixels = 2 * wave(n * 3 * 112 * 112, 78.233, 0.0) - 1
    with torch.inference_mode():
        feature, norm = network(torch.from_numpy(pixels.reshape(n, 3, 112, 112).astype(np.float32)))
    assert feature.numpy() == pytest.approx(np.array(values["feature"]), abs=1e-4)
    assert norm.numpy().ravel() == pytest.approx(np.array(values["norm"]).ravel(), rel=1e-4)


def test_adaface_reads_a_checkpoint_end_to_end_and_names_a_wrong_one(golden, tmp_path):
    torch = pytest.importorskip("torch")
    from idbench.faces.adaface_network import AdaFaceNetwork

    network = AdaFaceNetwork((3, 4, 14, 3)).eval()
    torch.save({"state_dict": {f"model.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "a.ckpt")
    judge = open_recognizers([f"adaface:{tmp_path / 'a.ckpt'}"], "cpu")[0]
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    bgr = torch.from_numpy(((crops[..., ::-1] / 255.0 - 0.5) / 0.5).transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        assert judge.embed(crops) == pytest.approx(network(bgr)[0].numpy(), abs=1e-5)
    torch.save({"state_dict": {"model.body.0.x": torch.zeros(1)}}, tmp_path / "b.ckpt")
    with pytest.raises(WeightsError, match="1 blocks"):
        open_recognizers([f"adaface:{tmp_path / 'b.ckpt'}"])


def test_a_pickle_with_code_is_never_run(tmp_path):
    torch = pytest.importorskip("torch")
    marker = tmp_path / "was-run"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (marker,))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.ckpt")
    with pytest.raises(WeightsError, match="plain tensor checkpoint"):
        open_recognizers([f"adaface:{tmp_path / 'evil.ckpt'}"])
    assert not marker.exists()
