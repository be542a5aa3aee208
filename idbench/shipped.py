"""Where the files that come with idbench lie: model cards and report templates."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_folder"]


def shipped_folder(name: str) -> Path:
    """The folder `baselines` or `reports`: in the installed package (`_<name>`), else in the repository."""
    package = Path(__file__).resolve().parent
    shipped = package / f"_{name}"
    return shipped if shipped.is_dir() else package.parent / name
