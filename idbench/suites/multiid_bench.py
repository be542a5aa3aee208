"""MultiID-Bench: parquet files in the schema of the hub's `WithAnyone/MultiID-Bench`.

Columns: ID string, GT image, input_images list of image, prompt string, task_type string,
bboxes string (JSON list of [x1, y1, x2, y2] in GT pixels, one per person), subset string,
num_persons int32. Images are structs of `bytes` and `path`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from idbench.errors import MissingDataError, SuiteError
from idbench.images import EncodedImage
from idbench.kinds import Download, SuiteKind
from idbench.records import Case, Person
from idbench.store import default_cache_dir
from idbench.suites.base import Suite, parse_boxes, subset_of_size

__all__ = ["HUB_ID", "LICENCE", "SUITE", "default_dir", "find_parquet", "open_suite"]

HUB_ID = "WithAnyone/MultiID-Bench"
LICENCE = "non-commercial research use only"
ROWS_AT_ONCE = 4


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_image(kind: pa.DataType) -> bool:
    """Encoded bytes, bare or in a struct; nothing at all where no row has any."""
    if pa.types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _is_image(kind.field(at).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_null(kind))


def _is_images(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_image(kind.value_type)


REQUIRED = {
    "ID": (_is_text, "strings"),
    "GT": (_is_image, "images (structs with bytes)"),
    "input_images": (_is_images, "lists of images (structs with bytes)"),
    "prompt": (_is_text, "strings"),
}


def default_dir() -> Path:
    """Where `idbench suites fetch multiid-bench` puts the data."""
    return default_cache_dir() / "suites" / "multiid-bench"


def find_parquet(path: Path) -> list[Path]:
    """The parquet files of a suite: the file itself, or those in the folder or its `data/`, sorted."""
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    return sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))


def open_suite(location: str = "", subsets: tuple[str, ...] = ()) -> Suite:
    """The suite in a folder or parquet file; without a location, what was fetched from the hub.

    Raises `MissingDataError` if there is nothing, `SuiteError` for another schema.
    """
    path = Path(location).expanduser() if location and location != HUB_ID else default_dir()
    files = find_parquet(path)
    if not files:
        raise MissingDataError(
            f"no parquet files of MultiID-Bench in {path}; run 'idbench suites fetch multiid-bench' "
            f"or copy the data of {HUB_ID} there"
        )
    count = sum(_checked(file).metadata.num_rows for file in files)
    name = "multiid-bench" if path == default_dir() else path.stem

    def read(problems: dict[str, str]) -> Iterator[Case]:
        for file in files:
            yield from _cases_of(file, problems)

    return Suite(name, str(path), LICENCE, read, count, subsets, find=lambda case_ids: _find(files, case_ids))


def _checked(file: Path) -> pq.ParquetFile:
    """The opened file; raises `SuiteError` if it is damaged, lacks a column, or has one of another type."""
    try:
        parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise SuiteError(f"{file} is not a readable parquet file ({str(error).splitlines()[0]})") from error
    if missing := [name for name in REQUIRED if name not in parquet.schema_arrow.names]:
        raise SuiteError(f"{file}: expected the columns {', '.join(REQUIRED)}; {', '.join(missing)} missing")
    for name, (fits, form) in REQUIRED.items():
        if not fits(found := parquet.schema_arrow.field(name).type):
            raise SuiteError(f"{file}: expected the column {name} to hold {form}, found {str(found)[:80]}")
    return parquet


def _cases_of(file: Path, problems: dict[str, str]) -> Iterator[Case]:
    with _checked(file) as parquet:
        yield from _rows(file, parquet, problems)


def _rows(
    file: Path, parquet: pq.ParquetFile, problems: dict[str, str], groups: list[int] | None = None
) -> Iterator[Case]:
    try:
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups):
            for row in batch.to_pylist():
                yield _case(row, problems)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{file} is damaged ({str(error).splitlines()[0]})") from error


def _find(files: Sequence[Path], case_ids: Collection[str]) -> Iterator[Case]:
    """Some cases, out of the row groups that hold them."""
    for file in files:
        with _checked(file) as parquet:
            for group in range(parquet.num_row_groups):
                names = parquet.read_row_group(group, columns=["ID"])["ID"].to_pylist()
                if not frozenset(case_ids).isdisjoint(names):
                    yield from _rows(file, parquet, {}, [group])


def _image(value: Any, name: str) -> EncodedImage | None:
    data = value.get("bytes") if isinstance(value, dict) else value
    return EncodedImage(name, data=data) if isinstance(data, bytes) else None


def _case(row: dict[str, Any], problems: dict[str, str]) -> Case:
    case_id = str(row["ID"] or "")
    named = [_image(value, f"{case_id}/ref_{i + 1}") for i, value in enumerate(row["input_images"] or [])]
    references = [image or EncodedImage(f"{case_id}/ref", data=b"") for image in named]
    boxes = None
    try:
        boxes = parse_boxes(row.get("bboxes"), len(references))
    except ValueError as error:
        problems[case_id] = f"boxes ignored: {error}"
    people = tuple(Person(references=(image,), box=boxes[i] if boxes else None) for i, image in enumerate(references))
    return Case(
        id=case_id,
        prompt=str(row["prompt"] or ""),
        people=people,
        target=_image(row["GT"], f"{case_id}/target"),
        subset=str(row.get("subset") or subset_of_size(len(people))),
        task=str(row.get("task_type") or ""),
    )


def _here() -> str:
    files = find_parquet(default_dir())
    return f"{len(files)} parquet files in {default_dir()}" if files else "not here: idbench suites fetch multiid-bench"


SUITE = SuiteKind(
    open=open_suite,
    form="multiid-bench[:FOLDER]",
    what=f"the paper's test set, hub {HUB_ID}, subsets p1 p2 p3",
    licence=LICENCE,
    here=_here,
    recognises=lambda path: bool(find_parquet(path)),
    download=Download(HUB_ID, lambda file: file.endswith(".parquet"), default_dir),
)
