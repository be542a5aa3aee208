"""Who has no copy-paste score and why; recognizers that give nothing."""

from __future__ import annotations

import numpy as np
import pytest
from support.marker_faces import MarkerDetector, MeanColour, image, picture

from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.types import Analysis
from idbench.protocols.people import case_people
from idbench.scoring.usable import Embedded, undefined_reason

UNREADABLE = Analysis("", error="gone")


class Blind(MeanColour):
    """Gives nothing for faces with much green."""

    def embed(self, crops):
        vectors = super().embed(crops)
        vectors[crops[:, 56, 56, 1] > 150] = np.nan
        return vectors


@pytest.fixture
def seen():
    analyser = ImageAnalyser(MarkerDetector(), [Blind()])

    def look(green: int | None) -> Analysis:
        pixels = picture(300, 300)
        if green is not None:
            pixels[20:120, 20:120] = (255, green, 0)
        return analyser.one(image(str(green), pixels))

    return look


def reason(target, references, boxes=()) -> str | None:
    people = case_people(target, [references], boxes, "colour")
    return undefined_reason(target, references, people, 0)


def test_every_reason(seen):
    one, other, blind, none = seen(0), seen(100), seen(200), seen(None)
    assert reason(one, [other]) is None
    assert reason(None, [one]) == "no target photo"
    assert reason(UNREADABLE, [one]) == "target cannot be read"
    assert reason(none, [one]) == "no face in the target"
    assert reason(blind, [one]) == "no usable face of theirs in the target"
    assert reason(one, [UNREADABLE]) == "no reference can be read"
    assert reason(one, [none, UNREADABLE]) == "no face in the references"
    assert reason(one, [blind]) == "no usable face in the references"
    assert reason(one, [one]) == "target and reference are one photo"
    assert reason(one, [one, other]) is None


def test_a_recognizer_that_gives_nothing_for_all_images_of_a_kind_is_known(seen):
    one, blind, none = seen(0), seen(200), seen(None)
    counted = Embedded()
    for analysis in (one, blind, none, UNREADABLE, None):
        counted.add("photos", analysis, ["colour"])
    assert counted.faults() == {}
    for analysis in (blind, blind, none):
        counted.add("images", analysis, ["colour"])
    assert counted.faults() == {"colour": "it gave no usable vector for any of 2 images"}
