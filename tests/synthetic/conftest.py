"""Plans of the synthetic suite, made once."""

from __future__ import annotations

import pytest

from idbench.synthetic.plans import CasePlan, plan_cases


@pytest.fixture(scope="session")
def plans() -> list[CasePlan]:
    """Two hundred cases."""
    return plan_cases(200)
