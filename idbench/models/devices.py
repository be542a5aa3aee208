"""The accelerators of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["gpus"]


def gpus(device: str) -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them; none for `cpu` or without NVIDIA's driver."""
    if device == "cpu":
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        named = [gpu.strip() for gpu in chosen.split(",")]
        return [gpu for gpu in named if gpu and gpu not in ("-1", "NoDevFiles")]
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(i) for i, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]
