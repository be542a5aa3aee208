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


def network_of(path: Path, *widths: int) -> Path:
    """The first numbers of a picture, flat, so many for each output."""
    from onnx import TensorProto, helper, numpy_helper

    def bounds(name: str, number: int):
        return numpy_helper.from_array(np.array([number], np.int64), name)

    nodes = [helper.make_node("Flatten", ["image"], ["flat"])]
    nodes += [helper.make_node("Slice", ["flat", "from", f"to{i}", "axis"], [f"out{i}"]) for i in range(len(widths))]
    constants = [bounds("from", 0), bounds("axis", 1), *(bounds(f"to{i}", width) for i, width in enumerate(widths))]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 112, 112])
    outputs = [helper.make_tensor_value_info(f"out{i}", TensorProto.FLOAT, ["n", w]) for i, w in enumerate(widths)]
    graph = helper.make_graph(nodes, "several", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("widths", [(1, 64), (64, 1), (64,), (1, 64, 2)])
def test_the_embedding_is_the_wide_output(tmp_path, widths):
    [recognizer] = open_recognizers([f"x=onnx:{network_of(tmp_path / 'net.onnx', *widths)}"])
    assert recognizer.embed(np.zeros((3, 112, 112, 3), np.uint8)).shape == (3, 64)


@pytest.mark.parametrize("widths", [(64, 64), (1, 2)])
def test_outputs_of_which_none_or_several_are_wide_are_refused(tmp_path, widths):
    with pytest.raises(WeightsError, match=r"one embedding \(n, d\) per face, found outputs"):
        open_recognizers([f"x=onnx:{network_of(tmp_path / 'net.onnx', *widths)}"])


def test_a_pack_whose_network_has_two_outputs_is_one_clear_line(tmp_path):
    network_of(tmp_path / "rec.onnx", 64, 1)
    with pytest.raises(WeightsError, match=r"with one output, found others; .* opened alone: onnx:"):
        open_recognizers([f"insightface:{tmp_path}"])
