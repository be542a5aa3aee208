"""Networks that can measure nothing are known when they are opened, and named as the cause."""

from __future__ import annotations

import numpy as np
import pytest
from support.marker_faces import MarkerDetector, MeanColour, image, picture

from idbench.errors import WeightsError
from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.probe import fault_of
from idbench.faces.specs import open_recognizers


class Answering(MeanColour):
    """Embeds as `answer` says."""

    def __init__(self, answer) -> None:
        self._answer = answer

    def embed(self, crops):
        return self._answer(crops)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda crops: np.full((len(crops), 4), np.nan, np.float32), "NaN"),
        (lambda crops: np.full((len(crops), 4), np.inf, np.float32), "infinite"),
        (lambda crops: np.zeros((len(crops), 4), np.float32), "zeros"),
        (lambda crops: np.tile(np.float32([3, 1, 2]), (len(crops), 1)), "the same vector"),
        (lambda crops: crops.mean(axis=(1, 2, 3))[:, None] * np.float32([3, 1, 2]), "nearly the same direction"),
        (lambda crops: 1 + crops.mean(axis=(1, 2), dtype=np.float32) / 1e5, "nearly the same direction"),
    ],
)
def test_a_network_that_measures_nothing_is_named(answer, fault, tmp_path):
    recognizer = Answering(answer)
    assert fault in fault_of(recognizer)
    analyser = ImageAnalyser(MarkerDetector(), [recognizer, named(MeanColour(), "sound")])
    faces = analyser.one(image("one", picture(300, 300, (50, 50, 100)))).faces
    assert np.isnan(faces.embeddings["colour"]).all()
    assert np.isfinite(faces.embeddings["sound"]).all()
    assert list(analyser.recognizer_faults) == list(analyser.recognizer_faults) == ["colour"]
    assert fault in analyser.recognizer_failures["colour"]["one"]


def named(recognizer, name):
    recognizer.name = name
    return recognizer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda crops: 1 / 0, "colour fails on any face .division"),
        (lambda crops: np.ones((1, 4), np.float32), r"one vector .* found \(1, 4\) for 3 faces"),
        (lambda crops: np.ones((len(crops), 4, 1), np.float32), r"found \(3, 4, 1\)"),
    ],
)
def test_a_recognizer_that_cannot_answer_is_refused(answer, message):
    with pytest.raises(WeightsError, match=message):
        ImageAnalyser(MarkerDetector(), [Answering(answer)])


def test_sound_recognizers_have_no_fault(packs):
    assert fault_of(MeanColour()) is None
    for recognizer in open_recognizers(["mini", f"insightface:{packs / 'mini-a'}"]):
        assert fault_of(recognizer) is None


def test_single_faces_without_a_usable_vector_are_counted():
    def spoil(crops):
        vectors = crops.mean(axis=(1, 2)).astype(np.float32)
        vectors[(crops[:, 56, 56, 1] < 5) & (crops[:, 56, 56, 0] > 250)] = np.nan
        return vectors

    analyser = ImageAnalyser(MarkerDetector(), [Answering(spoil)])
    analyser.one(image("two", picture(400, 300, (20, 20, 100), (250, 20, 100))))
    assert analyser.recognizer_faults == {}
    assert analyser.recognizer_failures == {"colour": {"two": "gave no finite vector for 1 of 2 faces"}}
