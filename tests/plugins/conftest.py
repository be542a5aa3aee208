"""Somebody else's package, built and installed by pip into a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

STUDIO = Path(__file__).parent / "studio"
COMMAND = [sys.executable, "-c", "from idbench.cli import main; main()"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the package and its entry points."""
    pytest.importorskip("pip")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("installed")
    how = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *how, "--target", str(folder), str(STUDIO)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def idbench(installed: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command, with the package installed; `more` are environment variables."""

    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(installed)} | more
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return run
