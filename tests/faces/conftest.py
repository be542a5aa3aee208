"""A real photo."""

from __future__ import annotations

import pytest

from idbench.images import decode
from idbench.suites import open_suite


@pytest.fixture(scope="session")
def photo(real_suite):
    case = next(open_suite(str(real_suite)).cases())
    return decode(case.target.read())
