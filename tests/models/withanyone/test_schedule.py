"""The shift of the noise schedule."""

from __future__ import annotations

import pytest

from idbench.models.withanyone.schedule import shift


def test_the_published_shift_at_512_pixels():
    assert shift(512, 512) == pytest.approx(0.5 + 0.65 * (16 - 256) / 3840) == pytest.approx(0.459375)
