"""Reference renders: the same picture everywhere."""

from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest
from support.renders import REFERENCES, reference_picture, this_machine


@pytest.mark.parametrize("number", range(4))
def test_reference_renders(number):
    """The pinned hash on the machine it was made on; elsewhere a few pixels may differ, and by little."""
    picture = reference_picture(number)
    assert np.array_equal(picture, reference_picture(number))
    kept = cv2.imread(str(REFERENCES / f"{number}.png"))[..., ::-1]
    difference = np.abs(picture.astype(int) - kept.astype(int))
    assert difference.mean() < 0.02 and (difference > 4).mean() < 0.001
    record = json.loads((REFERENCES / "pinned.json").read_text())
    if record["made_with"] == this_machine():
        assert hashlib.sha256(picture.tobytes()).hexdigest() == record["sha256"][str(number)]


def test_a_reference_render_is_not_just_any_picture():
    """The tolerance above tells people apart, and notices a head moved by a pixel."""
    one, other = reference_picture(0), reference_picture(1)
    for changed in (other, np.roll(one, 1, axis=1)):
        assert np.abs(one.astype(int) - changed.astype(int)).mean() > 0.5
