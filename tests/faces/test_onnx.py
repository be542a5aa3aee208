"""ONNX recognizers: preprocessing and damaged files."""

from __future__ import annotations

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
