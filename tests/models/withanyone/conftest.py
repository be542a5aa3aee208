"""A tiny FLUX, and the same with WithAnyone's branch attached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.lazy import lazy
from support.tiny_branch import branch_for
from support.tiny_withanyone import tiny_flux

attach = lazy("idbench.models.withanyone.attach")


@pytest.fixture
def flux() -> Any:
    return tiny_flux()


@pytest.fixture
def tiny(flux: Any, tmp_path: Path) -> attach.Attachment:
    return attach.attach(flux, branch_for(flux, tmp_path))
