"""The folders beside the code that come with idbench: `baselines` (model cards) and `reports` (templates)."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_folder"]


def shipped_folder(name: str) -> Path:
    """A folder that comes with idbench: `_<name>` in the installed package, else `<name>` in the repository."""
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name
