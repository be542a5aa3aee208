"""Fixtures: real photos, real packs and golden values where they lie, skipped with a reason where not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("support")

# Matrix products by the same kernels on every processor: golden values were made on another one.
os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

# One thread per process: tests run side by side on few cores, where threads of one process wait for each other.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Signals reach the children of tests also where these were started in the background, or by nohup, which ignore them.
for _signal, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _handler)

# Examples take as long as they take: machines that test are busy.
settings.register_profile("idbench", deadline=None)
settings.load_profile("idbench")

ROOT = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: str) -> Path:
    path = Path(os.environ.get(variable, default)).expanduser()
    path = path if path.is_absolute() else (ROOT / path).resolve()
    if not path.is_dir():
        pytest.skip(f"{variable}: no folder at {path}")
    return path


@pytest.fixture(scope="session")
def golden() -> Path:
    """Values produced by the published code (IDBENCH_GOLDEN)."""
    return _folder("IDBENCH_GOLDEN", "../shared/golden")


@pytest.fixture(scope="session")
def real_suite() -> Path:
    """A suite of real photos with five sets of outputs (IDBENCH_REAL_SUITE)."""
    return _folder("IDBENCH_REAL_SUITE", "../shared/data/real-mini")


@pytest.fixture(scope="session")
def packs() -> Path:
    """A folder with the InsightFace packs mini-a and mini-b (IDBENCH_PACKS)."""
    return _folder("IDBENCH_PACKS", "../shared/models")


@pytest.fixture(scope="session")
def tmp_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole session, so that networks see every image once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing a test does reaches the user's cache."""
    monkeypatch.setenv("IDBENCH_CACHE", str(tmp_path_factory.mktemp("user-cache")))
