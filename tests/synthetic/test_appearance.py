"""How synthetic people look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.people import people

from idbench.synthetic import Appearance, Light, Pose, Style, mix_appearances, sample_appearance, sample_description


def test_variation_zero_is_the_plain_meaning_of_the_words():
    person = people(1)[0]
    description = sample_description(person, np.random.default_rng(0)).model_copy(
        update={"mood": "laughing", "direction": "left", "lighting": "right"}
    )
    one, two = (sample_appearance(description, np.random.default_rng(seed), variation=0) for seed in (1, 2))
    assert one == two
    assert one.pose.yaw < -10 and one.expression.smile == 1 and one.light.azimuth > 30


@given(st.floats(0, 1), st.floats(0, 1))
def test_mixing_appearances(weight, switch):
    a = Appearance(pose=Pose(yaw=-20), style=Style(hair="short"), light=Light(warmth=-1))
    b = Appearance(pose=Pose(yaw=20), style=Style(hair="long"), light=Light(warmth=1))
    mixed = mix_appearances(a, b, weight, switch)
    assert mixed.pose.yaw == pytest.approx(-20 + 40 * weight)
    assert mixed.light.warmth == pytest.approx(-1 + 2 * weight)
    assert mixed.style.hair == ("long" if weight > switch else "short")
