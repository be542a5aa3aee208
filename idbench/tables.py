"""The tables of a run directory: their columns, written in pieces, finished at once.

`scores.parquet`: one row per model, case, seed, person, recognizer and protocol (`paper` rows stand for
a whole image, person is empty). `images.parquet`: one row per model, case and seed. `suite.parquet`:
one row per case, person and recognizer. `faces/<recognizer>.parquet`: one row per analysed face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from idbench.errors import RunError
from idbench.metrics import IMAGE_METRICS, PERSON_METRICS, all_person_metrics
from idbench.metrics.catalog import SEED_METRICS
from idbench.records import GenerationOutcome, Outcome
from idbench.run_files import open_inside
from idbench.store import atomic_path
from idbench.typed_tables import TableForm, read_table

if TYPE_CHECKING:
    from idbench.faces.pipeline import View
    from idbench.faces.types import Analysis

__all__ = [
    "ORDER",
    "RunTables",
    "TableWriter",
    "box_columns",
    "faces_schema",
    "forms",
    "images_schema",
    "read_tables",
    "scores_schema",
    "suite_schema",
]

ROWS_AT_ONCE = 500
MAX_BYTES = 8 << 30
"""Of the largest table that is read."""
ORDER = {"scores": ["case", "seed", "person"], "images": ["case"], "suite": ["case", "person"]}
"""How rows are sorted; what is equal stays as written, models in the order they were given."""

BOX = ("x1", "y1", "x2", "y2")
PAPER_COLUMNS = ("rest_ref", "sim_ref_unpadded", "copy_paste_unpadded")


def _schema(strings: Sequence[str], integers: Sequence[str], numbers: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [(n, pa.string()) for n in strings] + [(n, pa.int64()) for n in integers] + [(n, pa.float64()) for n in numbers]
    )


def scores_schema() -> pa.Schema:
    """Columns of scores.parquet; every per-person metric has one of its own name."""
    metrics = [metric.name for metric in all_person_metrics()]
    return _schema(
        ["model", "case", "subset", "cluster", "identity", "recognizer", "protocol", "outcome"],
        ["seed", "person", "face"],
        [*metrics, *(m.name for m in SEED_METRICS), *PAPER_COLUMNS, "x1", "y1", "x2", "y2"],
    )


def images_schema() -> pa.Schema:
    """Columns of images.parquet."""
    return _schema(
        ["model", "case", "subset", "cluster", "outcome", "digest", "path", "error"],
        ["seed", "width", "height", "faces_expected", "prompt_cut", "peak_memory"],
        [metric.name for metric in IMAGE_METRICS],
    )


def suite_schema() -> pa.Schema:
    """Columns of suite.parquet; boxes are those of the face that was taken for the person."""
    return _schema(
        ["case", "subset", "cluster", "identity", "recognizer", "prompt", "target", "reference"],
        ["person", "references", "target_width", "target_height", "reference_width", "reference_height"],
        [
            "sim_tr",
            "registered_copy_tr",
            *(f"target_{c}" for c in ("x1", "y1", "x2", "y2")),
            *(f"reference_{c}" for c in ("x1", "y1", "x2", "y2")),
        ],
    )


def faces_schema() -> pa.Schema:
    """Columns of faces/<recognizer>.parquet."""
    return pa.schema(
        [("digest", pa.string()), ("view", pa.string()), ("face", pa.int64()), ("score", pa.float32())]
        + [(c, pa.float32()) for c in ("x1", "y1", "x2", "y2")]
        + [("landmarks", pa.list_(pa.float32())), ("embedding", pa.list_(pa.float32()))]
    )


def forms() -> dict[str, TableForm]:
    """What the tables that a report is made from must hold, by name."""
    own = {metric.name for metric in PERSON_METRICS}
    others = frozenset(metric.name for metric in all_person_metrics() if metric.name not in own)
    return {
        "scores": TableForm(
            scores_schema(),
            optional=others,
            names=("model", "case", "recognizer"),
            filled=("subset", "cluster", "protocol", "outcome", "seed"),
            finite=BOX,
            choices={"protocol": frozenset({"strict", "paper"}), "outcome": frozenset(Outcome)},
        ),
        "images": TableForm(
            images_schema(),
            optional=frozenset({"peak_memory"}),  # not in runs of the first versions
            names=("model", "case"),
            filled=("subset", "cluster", "outcome", "seed"),
            positive=("width", "height"),
            choices={"outcome": frozenset(get_args(GenerationOutcome))},
        ),
        "suite": TableForm(
            suite_schema(),
            names=("case", "recognizer"),
            filled=("subset", "cluster", "person", "references"),
            positive=("target_width", "target_height"),
            finite=tuple(f"{photo}_{end}" for photo in ("target", "reference") for end in BOX),
        ),
    }


def read_tables(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """scores, images and suite of a run, rows in one order whatever the suite's was.

    Models stay in the order they were given. Raises `RunError` if a table is missing, damaged or of another form.
    """
    scores, images, suite = (
        _read(run, f"{name}.parquet", form).sort_values(ORDER[name], kind="stable") for name, form in forms().items()
    )
    return scores, images, suite


def _read(run: Path, name: str, form: TableForm) -> pd.DataFrame:
    try:
        with open_inside(run, name, MAX_BYTES) as file:
            return read_table(file, form)
    except FileNotFoundError as error:
        raise RunError(f"{run} is not a finished run: it has no {name}") from error
    except ValueError as error:
        raise RunError(f"the tables of {run} cannot be read ({name}: {error}); run again to make them anew") from error


class TableWriter:
    """Collects rows, writes them in groups to a temporary file, and puts the table in place at the end.

    Left through an error, nothing is put in place.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._waiting: list[Mapping[str, Any]] = []

    def __enter__(self) -> TableWriter:
        with ExitStack() as opened:
            place = opened.enter_context(atomic_path(self.path))
            self._file = opened.enter_context(pq.ParquetWriter(place, self.schema))
            self._opened = opened.pop_all()
        return self

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row; columns it lacks are empty, keys that are no column are an error."""
        if unknown := row.keys() - set(self.schema.names):
            raise KeyError(f"{self.path.name} has no column {sorted(unknown)[0]}")
        self._waiting.append(row)
        self.rows += 1
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.Table.from_pylist(self._waiting, schema=self.schema))
            self._waiting.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._opened:
            if error is not None:
                raise error
            self._flush()


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
        self._written: dict[tuple[str, View], int] = {}

    def add_faces(self, analysis: Analysis | None, view: View = "as_is") -> None:
        """Write an image's faces once; where it is another case's too, that expects more people, what is new."""
        if analysis is None or analysis.faces is None:
            return
        found = analysis.faces.found
        first = self._written.get((analysis.digest, view), 0)
        self._written[analysis.digest, view] = max(first, len(found))
        for name, table in self.faces.items():
            for i in range(first, len(found)):
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
