"""A synthetic suite of four cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from idbench.suites import Suite, synthetic


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Iterator[Suite]:
    """Four synthetic cases of 1, 2, 1 and 3 people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthetic.SIZES, "small", 4)
        folder = tmp_path_factory.mktemp("simulated") / "suite"
        opened = synthetic.open_suite(folder=folder)
        assert len(list(opened.cases())) == 4
        yield opened
