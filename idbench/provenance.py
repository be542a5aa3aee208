"""Where a number comes from: versions, code state, hardware."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from idbench import __version__
from idbench.metrics.catalog import METRICS_EDITION
from idbench.platform import usable_cores
from idbench.records.run import GitState, Provenance

__all__ = ["brings", "canonical", "collect", "git_state", "installed", "package_versions"]

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


def canonical(name: str) -> str:
    """A distribution's name as all its spellings have it: `open_clip_torch` is `open-clip-torch`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def brings(extra: str) -> set[str]:
    """The distributions that `pip install 'idbench[extra]'` installs for it, names canonical, other extras included."""
    found: set[str] = set()
    for line in requires("idbench") or ():
        wanted, _, condition = line.partition(";")
        if re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", condition):
            name, *others = re.findall(r"[\w.-]+", re.sub(r"[<>=!~ ].*", "", wanted))
            found |= set().union(*map(brings, others)) if canonical(name) == "idbench" else {canonical(name)}
    return found


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
