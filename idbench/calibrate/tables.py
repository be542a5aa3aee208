"""The numbers behind the page as CSV: one row per point of a curve, repeat series, and yaw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idbench.calibrate.calibration import Calibration
from idbench.render.files import csv
from idbench.render.table import Column, Number, Row, Table
from idbench.store import write_bytes

__all__ = ["write_csv"]


def write_csv(found: Calibration, folder: Path) -> None:
    """Write checks, sweeps, repeats and views, in full precision, missing cells empty."""
    _write(folder / "checks.csv", [check.as_dict() for check in found.checks])
    _write(folder / "sweeps.csv", [
        {"recognizer": c.recognizer, "sweep": c.sweep, "dial": c.dial, "value": p.at, "metric": c.metric}
        | {"mean": p.mean, "low": p.low, "high": p.high, "n": p.n}
        for c in found.curves for p in c.points
    ])  # fmt: skip
    _write(folder / "repeats.csv", [one.as_dict() for one in found.repeated])
    _write(folder / "views.csv", [_flat(one.as_dict()) for one in found.seen])


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    similarity = row.pop("similarity")
    return row | {f"similarity_{name}": value for name, value in similarity.items()}


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = [Column(name, name) for name in (rows[0] if rows else ())]
    cells = [Row([Number(v) if isinstance(v, float) else v for v in row.values()]) for row in rows]
    write_bytes(path, csv(Table(path.stem, path.stem, columns, cells)).encode())
