"""ONNX recognizers: preprocessing and damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from idbench.errors import ConfigError, WeightsError
from idbench.faces.align import Alignment
from idbench.faces.onnx import OnnxRecognizer, Preprocessing
from idbench.faces.specs import open_recognizers


def test_onnx_file_with_declared_preprocessing_is_the_pack_itself(packs):
    file = next((packs / "mini-a").glob("rec*.onnx"))
    pack = open_recognizers([f"insightface:{packs / 'mini-a'}"])[0]
    same, other = open_recognizers(
        [f"a=onnx:{file}?size=112&color=rgb&mean=127.5&scale=127.5", f"b=onnx:{file}?color=bgr"]
    )
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    assert np.array_equal(same.embed(crops), pack.embed(crops))
    assert np.array_equal(other.embed(crops[..., ::-1]), pack.embed(crops))
    assert same.describe() != other.describe()


def test_preprocessing_is_written_out():
    pixel = np.array([[[[10, 20, 30]]]], np.uint8)
    assert Preprocessing("bgr", (1, 2, 3), (2,)).apply(pixel).ravel() == pytest.approx([14.5, 9, 3.5])
    with pytest.raises(ConfigError, match="rgb or bgr"):
        Preprocessing("hsv")


def test_damaged_onnx_is_one_line(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="not a usable ONNX"):
        OnnxRecognizer("x", tmp_path / "bad.onnx", Alignment("arcface", 112), Preprocessing())
    with pytest.raises(WeightsError, match="pack"):
        open_recognizers([f"insightface:{tmp_path}"])


def tiny_network(path: Path, shape: list, number: str = "FLOAT") -> Path:
    """Embeds a picture of any shape as its flat numbers."""
    from onnx import TensorProto, helper

    kind = getattr(TensorProto, number)
    nodes = [helper.make_node("Flatten", ["image"], ["vector"])]
    ends = [helper.make_tensor_value_info("image", kind, shape)], [helper.make_tensor_value_info("vector", kind, None)]
    ends[1][0].CopyFrom(helper.make_tensor_value_info("vector", kind, ["n", "d"]))
    graph = helper.make_graph(nodes, "tiny", *ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        (["n", 112, 112, 3], 112, r"input is \(n, 112, 112, 3\), expected \(n, 3, 112, 112\); channels come last"),
        ([1, 3, 112, 112], 224, r"expected \(n, 3, 224, 224\); give size=112"),
        ([1, 3, 112, 96], 112, "square colour crops"),
        ([1, 1, 112, 112], 112, "square colour crops"),
    ],
)
def test_what_a_network_does_not_take_is_said_when_it_is_opened(tmp_path, shape, size, message):
    file = tiny_network(tmp_path / "net.onnx", shape)
    with pytest.raises(WeightsError, match=message):
        open_recognizers([f"x=onnx:{file}?size={size}"])


def test_numbers_of_16_bits_are_fed_as_such(tmp_path):
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3)).astype(np.uint8)
    half, whole = (
        open_recognizers([f"x=onnx:{tiny_network(tmp_path / f'{kind}.onnx', ['n', 3, 'h', 'w'], kind)}"])[0].embed(
            crops
        )
        for kind in ("FLOAT16", "FLOAT")
    )
    assert half.dtype == np.float32
    assert half == pytest.approx(whole, abs=2e-3)
    with pytest.raises(WeightsError, match="input is tensor"):
        open_recognizers([f"x=onnx:{tiny_network(tmp_path / 'u.onnx', ['n', 3, 'h', 'w'], 'UINT8')}"])
