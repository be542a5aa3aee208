"""A suite for commands to be given."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.suites import real_cases, write_suite


@pytest.fixture(scope="session")
def suite(real_suite: Path, tmp_path_factory) -> Path:
    return write_suite(tmp_path_factory.mktemp("command line") / "a suite", real_cases(real_suite, (1, 1)))
