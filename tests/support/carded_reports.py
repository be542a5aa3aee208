"""Records of runs whose models have cards and sweeps, and their tables read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from support.reports import section

VALUES = {"w@s=10": 10.0, "w@s=0": 0.0, "w@s=2": 2.0}
"""Values of a sweep, neither in the order of numbers nor of words."""
FAMILIES = {"judge-a": "arcface", "judge-b": "facenet"}
Change = Callable[[dict[str, Any]], None]
Finished = Callable[..., Path]


def card(title: str = "With Anyone", **changes: Any) -> dict[str, Any]:
    return {
        "name": "withanyone", "kind": "withanyone", "title": title, "summary": "A model.", "max_people": 4, "extra_conditioning": ["target boxes"],
        "source": {"paper": "arXiv 2510.14975", "repository": "https://example.org/withanyone", "revision": "0f" * 20},
        "licence": {"code": "Apache-2.0", "weights": "non-commercial"},
        "face_encoders": [{"family": "arcface", "name": "antelopev2", "use": "conditioning"}],
    } | changes  # fmt: skip


def with_cards(record: dict[str, Any]) -> None:
    """A carded model that copies, one without face encoders or extras, and a sweep."""
    models = record["models"]
    models["paste"] = {"kind": "withanyone", "card": card(), "parameters": {"steps": 25, "width": 512}}
    models["weak"] = {
        "kind": "diffusers", "parameters": {"steps": 4, "width": 512},
        "card": card("Plain", extra_conditioning=[], face_encoders=[], max_people=None),
    }  # fmt: skip
    for model, value in VALUES.items():
        models[model] = {
            "kind": "simulated", "parameters": {"s": value},
            "sweep": {"of": "w", "parameter": "s", "value": value},
        }  # fmt: skip


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(run / "tables" / f"{name}.csv", dtype=str).set_index("model")


def names_of(run: Path, part: str) -> set[str]:
    return {cell.strip() for row in section(run, part).rows for cell in row}
