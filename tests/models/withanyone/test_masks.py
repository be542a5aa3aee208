"""Which image tokens see whom."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from support.lazy import lazy, needs
from support.tiny_branch import (
    HEIGHT,
    LEFT,
    MIDDLE,
    RIGHT,
    TOKENS,
    WIDTH,
)

pytestmark = needs("torch", "diffusers")

torch = lazy("torch")
masks = lazy("idbench.models.withanyone.masks")


EDGE = st.one_of(st.integers(-40, 120), st.floats(-40, 120, allow_nan=False))


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 7), st.integers(1, 7), st.lists(st.tuples(EDGE, EDGE, EDGE, EDGE), max_size=3), st.integers(0, 15)
)
def test_the_mask_equals_its_literal_definition(columns, rows, boxes, rest):
    found = masks.location_mask(boxes, 16 * columns + rest, 16 * rows + rest)
    assert found.shape == (rows * columns, len(boxes))
    for row in range(rows):
        for column in range(columns):
            for person, (x1, y1, x2, y2) in enumerate(boxes):
                inside = math.floor(x1 / 16) <= column < math.ceil(x2 / 16)
                inside &= math.floor(y1 / 16) <= row < math.ceil(y2 / 16)
                assert bool(found[row * columns + column, person]) == inside


def test_who_is_seen_in_a_batch():
    seen = masks.visibility([0, 1, 3], [None, None, [LEFT, RIGHT, MIDDLE]], WIDTH, HEIGHT)
    assert seen.shape == (3, TOKENS, 3)
    assert not seen[0].any()
    assert seen[1, :, 0].all()
    assert not seen[1, :, 1:].any()
    assert torch.equal(seen[2], masks.location_mask([LEFT, RIGHT, MIDDLE], WIDTH, HEIGHT))
