"""The configuration of a calibration."""

from __future__ import annotations

import pytest

from idbench.calibrate import configure
from idbench.errors import ConfigError


def test_values_out_of_range_are_one_line():
    with pytest.raises(ConfigError, match="cases"):
        configure(cases=1)
    with pytest.raises(ConfigError, match="repeats"):
        configure(repeats=0)
    assert configure(cases=None).cases == 20
