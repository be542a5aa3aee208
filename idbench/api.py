"""The Python face of idbench: score images in a notebook, look at a run as pandas frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from idbench.config import load_config
from idbench.run import execute
from idbench.tables import read_tables

__all__ = ["Run", "load_run", "score"]


@dataclass(frozen=True)
class Run:
    """A finished run directory."""

    path: Path

    def scores(self) -> pd.DataFrame:
        """One row per model, case, seed, person, recognizer and protocol."""
        return read_tables(self.path)[0].reset_index(drop=True)

    def images(self) -> pd.DataFrame:
        """One row per model, case and seed."""
        return read_tables(self.path)[1].reset_index(drop=True)

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json."""
        return dict(json.loads((self.path / "summary.json").read_text(encoding="utf-8")))

    def table(self, recognizer: str | None = None, protocol: str | None = None, group: str = "all") -> pd.DataFrame:
        """Means per model (rows) and metric (columns), for the first recognizer and protocol unless named."""
        recognizers = self.summary["recognizers"]
        per_protocol = recognizers[recognizer or next(iter(recognizers))]
        models = per_protocol[protocol or next(iter(per_protocol))]["groups"][group]["models"]
        rows = {model: {name: entry["mean"] for name, entry in values.items()} for model, values in models.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"


def score(
    images: Mapping[str, str | Path] = MappingProxyType({}),
    suite: str | Path | None = None,
    recognizers: Sequence[str] = (),
    out: str | Path = "runs/latest",
    **options: Any,
) -> Run:
    """Score folders of images, or models that generate, against a suite.

    images : model name -> folder; suite : name or path; recognizers : judges, `[NAME=]KIND[:LOCATION]`.
    options : any other field of `idbench.config.RunConfig` (models=["sim:copy=0.7"], protocol="both", ...).
    Without arguments: simulated models on synthetic people, judged by `mini`.
    Raises `IdbenchError` children for what cannot be done at all; failures of single images are outcomes.
    """
    flags = {
        "images": {name: str(folder) for name, folder in images.items()},
        "suite": None if suite is None else str(suite),
        "recognizers": tuple(recognizers),
        "out": str(out),
        **options,
    }
    return Run(execute(load_config(None, flags)))


def load_run(path: str | Path) -> Run:
    """Open a run directory; raises `RunError` if it holds no scores."""
    run = Run(Path(path).expanduser())
    read_tables(run.path)
    return run
