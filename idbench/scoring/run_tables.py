"""The run's tables, open for writing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from idbench.faces.pipeline import View
from idbench.faces.types import Analysis
from idbench.tables import TableWriter, faces_schema, images_schema, scores_schema, suite_schema

__all__ = ["RunTables", "box_columns"]


class RunTables:
    """The run's tables, open for writing."""

    def __init__(self, stack: ExitStack, run: Path, recognizers: Sequence[str]) -> None:
        self.scores = stack.enter_context(TableWriter(run / "scores.parquet", scores_schema()))
        self.images = stack.enter_context(TableWriter(run / "images.parquet", images_schema()))
        self.suite = stack.enter_context(TableWriter(run / "suite.parquet", suite_schema()))
        self.faces = {
            name: stack.enter_context(TableWriter(run / "faces" / f"{name}.parquet", faces_schema()))
            for name in recognizers
        }
        self._written: set[tuple[str, View]] = set()

    def add_faces(self, analysis: Analysis | None, view: View = "as_is") -> None:
        """Write an image's faces once."""
        if analysis is None or analysis.faces is None or (analysis.digest, view) in self._written:
            return
        self._written.add((analysis.digest, view))
        found = analysis.faces.found
        for name, table in self.faces.items():
            for i in range(len(found)):
                table.add(
                    {"digest": analysis.digest, "view": view, "face": i, "score": float(found.scores[i])}
                    | box_columns(found.boxes[i])
                    | {
                        "landmarks": found.landmarks[i].ravel(),
                        "embedding": analysis.faces.embeddings[name][i],
                    }
                )


def box_columns(box: Any, prefix: str = "") -> dict[str, float | None]:
    """Columns x1, y1, x2, y2 of a box (4,), each name after `prefix`; empty for None."""
    numbers = [None] * 4 if box is None else [float(v) for v in box]
    return {f"{prefix}{name}": number for name, number in zip(("x1", "y1", "x2", "y2"), numbers, strict=True)}
