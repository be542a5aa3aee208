"""Where a number comes from: versions, code state, hardware."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from idbench import __version__
from idbench.metrics.catalog import METRICS_EDITION
from idbench.platform import usable_cores
from idbench.records.run import GitState, Provenance

__all__ = ["collect", "git_state", "installed", "package_versions"]

PACKAGES = (
    "numpy", "scipy", "pandas", "pillow", "opencv-python", "onnxruntime", "onnxruntime-gpu", "insightface",
    "pyarrow", "pydantic", "torch", "facenet-pytorch", "open_clip_torch", "transformers", "diffusers",
)  # fmt: skip


def installed(name: str) -> str | None:
    """The version of an installed distribution; None where it is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def package_versions() -> dict[str, str]:
    """Installed versions of the packages numbers depend on."""
    return {name: found for name in PACKAGES if (found := installed(name)) is not None}


def git_state() -> GitState | None:
    """Commit and cleanliness of the source tree idbench runs from; None outside one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit, status = (
            subprocess.run(["git", *args], cwd=root, capture_output=True, text=True, timeout=10, check=True).stdout
            for args in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return GitState(commit=commit.strip(), clean=not status.strip())


def collect() -> Provenance:
    """Code, packages and hardware, without user or host names."""
    return Provenance(
        idbench=__version__,
        git=git_state(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=usable_cores(),
        packages=package_versions(),
        metrics_edition=METRICS_EDITION,
    )
