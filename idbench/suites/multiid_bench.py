"""MultiID-Bench: parquet files in the schema of the hub's `WithAnyone/MultiID-Bench`.

Columns: ID string, GT image, input_images list of image, prompt string, task_type string,
bboxes string (JSON list of [x1, y1, x2, y2] in GT pixels, one per person), subset string,
num_persons int32. Images are structs of `bytes` and `path`; without bytes the path is read, beside the file or in the
suite's folder. Text and images may be of any Arrow type that holds them (dictionary, large, view, fixed size).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from idbench.errors import MissingDataError, SuiteError
from idbench.image_formats import looks_like
from idbench.images import EncodedImage
from idbench.kinds import Download, SuiteKind
from idbench.records import Case, Person
from idbench.store import default_cache_dir
from idbench.suites.base import Suite, add_problem, inside, other_name_of_boxes, stated_people, subset_of_size
from idbench.suites.boxes import BoxForms, box_numbers
from idbench.suites.parquet_files import file_problems, is_hidden

__all__ = ["HUB_ID", "LICENCE", "SUITE", "default_dir", "find_parquet", "open_suite"]

HUB_ID = "WithAnyone/MultiID-Bench"
LICENCE = "non-commercial research use only"
ROWS_AT_ONCE = 4


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    """Bytes of any length; nothing at all where no row has any."""
    if pa.types.is_dictionary(kind):
        return _is_bytes(kind.value_type)
    variable = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    return bool(variable or pa.types.is_fixed_size_binary(kind) or pa.types.is_null(kind))


def _is_image(kind: pa.DataType) -> bool:
    """Encoded bytes, bare or in a struct."""
    if pa.types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _is_bytes(kind.field(at).type)
    return _is_bytes(kind)


def _is_images(kind: pa.DataType) -> bool:
    lists = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
    views = pa.types.is_list_view, pa.types.is_large_list_view
    return any(is_kind(kind) for is_kind in lists + views) and _is_image(kind.value_type)


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
    """The parquet files of a suite: the file itself, or those in the folder, else in its `data/`, else one or two
    folders down (`p1/`, `default/train/`), sorted. Files and folders that begin with a dot are no data."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".parquet" else []
    for pattern in ("*", "data/*", "*/*", "*/*/*"):
        found = (file for file in path.glob(pattern) if file.suffix.lower() == ".parquet")
        if shown := sorted(file for file in found if not is_hidden(file.relative_to(path))):
            return shown
    return []


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
    for file in files if path.is_dir() else ():
        if not inside(path, file.relative_to(path).as_posix()).is_file():
            raise SuiteError(f"{file}: expected a parquet file, found a folder, a pipe or something else")
    count = sum(_checked(file).metadata.num_rows for file in files)
    name = "multiid-bench" if path == default_dir() else path.stem

    root = path.parent if path.is_file() else path
    about = list(file_problems(root, files)) if path.is_dir() else []

    def read(problems: dict[str, str]) -> Iterator[Case]:
        for where, problem in about:
            add_problem(problems, where, problem)
        return (case for file in files for case in _cases_of(root, file, problems))

    forms = BoxForms(
        read,
        lambda case_ids: _find(root, files, case_ids),
    )
    return Suite(name, str(path), LICENCE, forms.cases, count, subsets, find=forms.found)


def _checked(file: Path) -> pq.ParquetFile:
    """The opened file; raises `SuiteError` if it is damaged, lacks a column, or has one of another type."""
    try:
        parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise SuiteError(f"{file} is not a readable parquet file ({_what_it_is(file, error)})") from error
    if missing := [name for name in REQUIRED if name not in parquet.schema_arrow.names]:
        raise SuiteError(f"{file}: expected the columns {', '.join(REQUIRED)}; {', '.join(missing)} missing")
    for name, (fits, form) in REQUIRED.items():
        if not fits(found := parquet.schema_arrow.field(name).type):
            raise SuiteError(f"{file}: expected the column {name} to hold {form}, found {str(found)[:80]}")
    return parquet


def _what_it_is(file: Path, error: Exception) -> str:
    """What a file holds that is no parquet, where that can be told."""
    try:
        with file.open("rb") as opened:
            found = looks_like(opened.read(4096))
    except OSError:
        found = "unknown bytes"
    return str(error).splitlines()[0] if found in ("unknown bytes", "parquet") else f"it looks like: {found}"


def _cases_of(root: Path, file: Path, problems: dict[str, str]) -> Iterator[Case]:
    with _checked(file) as parquet:
        yield from _rows(root, file, parquet, problems)


def _rows(
    root: Path, file: Path, parquet: pq.ParquetFile, problems: dict[str, str], groups: list[int] | None = None
) -> Iterator[Case]:
    folders = (root, file.parent)
    try:
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups):
            for row in batch.to_pylist():
                yield _Row(row, folders, problems).case()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{file} is damaged ({str(error).splitlines()[0]})") from error


def _find(root: Path, files: Sequence[Path], case_ids: Collection[str]) -> Iterator[Case]:
    """Some cases, out of the row groups that hold them."""
    for file in files:
        with _checked(file) as parquet:
            for group in range(parquet.num_row_groups):
                names = parquet.read_row_group(group, columns=["ID"])["ID"].to_pylist()
                if not frozenset(case_ids).isdisjoint(names):
                    yield from _rows(root, file, parquet, {}, [group])


@dataclass
class _Row:
    """One row, and where files that it names may lie."""

    row: dict[str, Any]
    folders: Sequence[Path]
    problems: dict[str, str]

    @property
    def id(self) -> str:
        """The case's."""
        return str(self.row["ID"] or "")

    def case(self) -> Case:
        """The case that the row describes, its boxes as they are written."""
        row, references = self.row, self._references()
        boxes = None
        if other := other_name_of_boxes(row):
            self._note(f"boxes are read from bboxes, not from {other}")
        try:
            boxes = box_numbers(row.get("bboxes"), len(references))
        except ValueError as error:
            add_problem(self.problems, self.id, f"boxes ignored: {error}")
        people = (Person(references=(image,), box=boxes[i] if boxes else None) for i, image in enumerate(references))
        return Case(
            id=self.id,
            prompt=str(row["prompt"] or ""),
            people=tuple(people),
            target=self._image(row["GT"], "target"),
            subset=str(row.get("subset") or subset_of_size(len(references))),
            task=str(row.get("task_type") or ""),
        )

    def _references(self) -> list[EncodedImage]:
        """One photo per person. Nothing at the end is nobody, unless `num_persons` counts it; nothing before a photo is
        a photo that is missing."""
        found = [self._image(value, f"ref_{i + 1}") for i, value in enumerate(self.row["input_images"] or [])]
        stated = stated_people(self.row.get("num_persons"))
        photos = [image for image in found if image is not None and image.data != b""]
        if len(photos) == stated:
            return photos
        last = max((i + 1 for i, image in enumerate(found) if image in photos), default=len(found))
        if stated is not None and last < stated <= len(found):
            last = stated
        if stated is not None and stated != last:
            self._note(f"num_persons is not the number of input_images: {stated}, not {last}")
        if missing := [f"ref_{i + 1}" for i, image in enumerate(found[:last]) if image not in photos]:
            self._note(f"a reference is missing: {', '.join(missing)}")
        return [image or EncodedImage(f"{self.id}/ref_{i + 1}", data=b"") for i, image in enumerate(found[:last])]

    def _image(self, value: object, name: str) -> EncodedImage | None:
        """An image by its bytes, else by its path, beside the suite's folder or the file."""
        data, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
        name = f"{self.id}/{name}"
        if isinstance(data, bytes):
            return EncodedImage(name, data=data)
        if not isinstance(path, str) or not path:
            return None
        for folder in self.folders:
            try:
                if (file := inside(folder, path)).is_file():
                    return EncodedImage(f"{name} ({path[-100:]})", path=file)
            except SuiteError:
                continue
        self._note("a photo has a path and no bytes, and there is no such file in the suite's folder: " + path[-100:])
        return EncodedImage(f"{name} ({path[-100:]})", data=b"")

    def _note(self, problem: str) -> None:
        add_problem(self.problems, self.id, problem)


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
