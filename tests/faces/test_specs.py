"""How recognizers are named."""

from __future__ import annotations

import pytest

from idbench.errors import UnknownNameError, WeightsError
from idbench.faces.specs import open_recognizers, parse_recognizer


def test_names_of_recognizers():
    assert parse_recognizer("insightface:/packs/mini-a") == ("mini-a", "insightface", "/packs/mini-a")
    assert parse_recognizer("judge=insightface:buffalo_l") == ("judge", "insightface", "buffalo_l")
    assert parse_recognizer("onnx:/w/net.onnx?size=112")[0] == "net"
    assert parse_recognizer("x=onnx:/w/net.onnx?size=112")[0] == "x"
    assert parse_recognizer("facenet")[0] == "facenet"
    with pytest.raises(UnknownNameError, match="did you mean 'insightface'"):
        open_recognizers(["insigthface:x"])
    with pytest.raises(WeightsError, match="unpack it to"):
        open_recognizers(["insightface:no_such_pack"])
