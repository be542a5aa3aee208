"""Tables that anybody may have written: read from parquet, and checked against the form that they should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["TableForm", "read_table"]

MAX_ROWS = 50_000_000
MAX_COLUMNS = 2_000
MAX_NAME = 1_000
MAX_INTEGER = 1 << 53
"""What a float holds exactly; pandas turns integers with gaps into floats."""

_WORDS = {pa.string(): "text", pa.int64(): "integers", pa.float64(): "numbers"}


@dataclass(frozen=True)
class TableForm:
    """What a table must hold.

    schema : its columns; text, int64 (never negative) or float64.
    optional : columns that may be lacking, which are empty then.
    names : columns of text without empty cells, that name something.
    filled : other columns without empty cells.
    positive : integers above 0.
    finite : columns of numbers without infinite ones.
    choices : column -> values it may hold.
    """

    schema: pa.Schema
    optional: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    finite: tuple[str, ...] = ()
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_table(file: BinaryIO, form: TableForm) -> pd.DataFrame:
    """The columns of the form, and further ones that hold numbers, such as metrics that are not installed here.

    Raises `ValueError`, one line, for a table that is damaged or of another form.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            table = _read(parquet, form)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    _check_values(table, form)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _read(parquet: pq.ParquetFile, form: TableForm) -> pa.Table:
    found = parquet.schema_arrow
    if parquet.metadata.num_rows > MAX_ROWS or len(found.names) > MAX_COLUMNS:
        raise ValueError(f"{parquet.metadata.num_rows} rows of {len(found.names)} columns are more than is read")
    for name in form.schema.names:
        if found.names.count(name) != 1 and not (name in form.optional and name not in found.names):
            raise ValueError(f"column '{name}' is {'missing' if name not in found.names else 'there twice'}")
    further = [f.name for f in found if pa.types.is_floating(f.type) and found.names.count(f.name) == 1]
    wanted = [name for name in dict.fromkeys(found.names) if name in form.schema.names or name in further]
    table = parquet.read(columns=wanted).select(wanted)
    columns = {name: _of_type(table.column(name), name, _type(form, name)) for name in wanted}
    for name in form.optional.intersection(form.schema.names) - columns.keys():
        columns[name] = pa.nulls(table.num_rows, form.schema.field(name).type)
    return pa.table(columns)


def _type(form: TableForm, name: str) -> pa.DataType:
    return form.schema.field(name).type if name in form.schema.names else pa.float64()


def _of_type(column: pa.ChunkedArray, name: str, wanted: pa.DataType) -> pa.ChunkedArray:
    """The column as `wanted`, where nothing is lost by it: other widths, dictionaries, nothing but empty cells."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not pa.types.is_null(kind) and not _becomes(kind, wanted):
        raise ValueError(f"column '{name}': expected {_WORDS[wanted]}, found {kind}")
    try:
        column = column.cast(wanted)
        column.validate(full=True)  # text that is no UTF-8
    except pa.ArrowInvalid as error:
        raise ValueError(f"column '{name}': expected {_WORDS[wanted]} ({error})") from error
    return column


def _becomes(kind: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_values(table: pa.Table, form: TableForm) -> None:
    for name in (*form.names, *form.filled):
        if table.column(name).null_count:
            raise ValueError(f"column '{name}' has empty cells")
    for name in form.names if table.num_rows else ():
        lengths = pc.min_max(pc.utf8_length(table.column(name))).as_py()
        if lengths["min"] == 0 or lengths["max"] > MAX_NAME:
            raise ValueError(f"column '{name}': expected names of 1 to {MAX_NAME} characters")
    for name, allowed in form.choices.items():
        if other := set(pc.unique(table.column(name)).to_pylist()) - allowed:
            raise ValueError(f"column '{name}': expected one of {', '.join(sorted(allowed))}, found {min(other)!r:.60}")
    for one in form.schema:
        _check_range(table.column(one.name), one, form)


def _check_range(column: pa.ChunkedArray, declared: pa.Field, form: TableForm) -> None:
    if pa.types.is_integer(declared.type):
        lowest = int(declared.name in form.positive)
        limits = pc.min_max(column).as_py()
        if limits["min"] is not None and not lowest <= limits["min"] <= limits["max"] <= MAX_INTEGER:
            wrong = limits["min"] if limits["min"] < lowest else limits["max"]
            raise ValueError(f"column '{declared.name}': expected {lowest} to {MAX_INTEGER}, found {wrong}")
    if declared.name in form.finite and (row := pc.index(pc.is_inf(column), True).as_py()) >= 0:
        raise ValueError(f"row {row}, column '{declared.name}': an infinite number")
