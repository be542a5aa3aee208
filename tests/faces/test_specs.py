"""How recognizers are named, and which detector goes with them."""

from __future__ import annotations

import pytest

from idbench.errors import ConfigError, UnknownNameError, WeightsError
from idbench.faces.specs import (
    brings_detector,
    check_for_photos,
    default_detector,
    open_recognizers,
    parse_recognizer,
    stacking_references,
)


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


@pytest.mark.parametrize(
    ("recognizers", "expected"),
    [
        (["insightface:a", "insightface:b"], "insightface:a"),
        (["facenet", "x=insightface:b"], "insightface:b"),
        (["mini", "insightface:b"], "insightface:b"),
        (["facenet", "mini"], "mini"),
        (["facenet"], "mtcnn"),
    ],
)
def test_the_detector_is_the_one_that_comes_with_a_recognizer_for_photos_first(recognizers, expected):
    assert default_detector(recognizers) == expected
    assert default_detector(recognizers, otherwise="none") == expected.replace("mtcnn", "none")
    assert brings_detector(recognizers) == expected.startswith("insightface")


def test_what_knows_rendered_people_only_is_refused_for_photos():
    check_for_photos(["insightface:a", "facenet"], "mtcnn")
    check_for_photos(["facenet"])
    for recognizers, detector in ((["facenet", "j=mini"], None), (["facenet"], "mini")):
        with pytest.raises(ConfigError, match="mini knows rendered people only"):
            check_for_photos(recognizers, detector)


def test_the_published_script_stacks_references_of_two_kinds():
    assert stacking_references(["insightface:a", "f=facenet", "adaface:/w/ir50.ckpt", "mini"]) == {"f", "ir50"}
