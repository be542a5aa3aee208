"""A copy of a run that can be handed in blind: no path, user or host of where it was made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pydantic import ValidationError

from idbench.config import RunConfig
from idbench.errors import RunError
from idbench.local_names import LocalNames, last_name, shortened
from idbench.records import Generation
from idbench.records.run import ModelRecord, NetworkRecord, SuiteRecord, SweepValue
from idbench.report.comparison_folder import is_comparison
from idbench.report.data import RunData, load
from idbench.report.page import write
from idbench.report.thumbnails import read_thumbnail
from idbench.run_files import read_inside
from idbench.schema import Record
from idbench.store import atomic_path, write_bytes, write_json
from idbench.tables import images_schema, scores_schema, suite_schema

__all__ = ["write_anonymous"]

LEDGER = "generations.jsonl"
MAX_LEDGER = 1 << 30
NAMES = ("model", "case", "subset", "cluster", "identity", "recognizer")
"""Columns of names, which must stay apart."""
LOCATIONS: dict[type[Record], tuple[str, ...]] = {
    RunConfig: ("suite", "images", "models", "set", "sweeps", "recognizers", "detector", "clip", "aesthetic", "out",
                "cache"),
    SuiteRecord: ("source",),
    NetworkRecord: ("pack",),
    ModelRecord: ("folder", "parameters"),
    SweepValue: ("value",),
    Generation: ("path",),
}  # fmt: skip
"""Fields of records that hold paths, relative ones too."""

R = TypeVar("R", bound=Record)


def write_anonymous(run: Path, out: Path) -> Path:
    """Write records, tables, thumbnails and report of `run` to a new directory; returns the page.

    Images, faces and logs stay behind. Raises `RunError` if the run cannot be read, if `out` holds something, or if
    names could not be told apart any more.
    """
    if is_comparison(run):
        raise RunError(f"{run} is a comparison; make anonymous copies of its runs and compare those")
    data = load(run)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} exists already; an anonymous copy goes into a new directory, choose another --out")
    clean = _local_names(data, run).removed_from
    record, summary = _cleaned(data.record, clean), _cleaned(data.summary, clean)
    write_json(out / "run.json", record.model_dump(mode="json", exclude_unset=True))
    write_json(out / "summary.json", summary.model_dump(mode="json", exclude_unset=True))
    strict = {name: one.strict.verification for name, one in summary.recognizers.items() if one.strict}
    write_json(out / "verification.json", {name: dataclasses.asdict(one) for name, one in strict.items() if one})
    schemas = {"scores": scores_schema(), "images": images_schema(), "suite": suite_schema()}
    frames = {"scores": data.scores, "images": data.images, "suite": data.suite_photos}
    for name, frame in frames.items():
        _write_table(out / f"{name}.parquet", _cleaned_table(frame, clean), schemas[name])
    if (generations := _ledger(run, clean)) is not None:
        write_bytes(out / LEDGER, generations)
    for digest in _digests(data):
        encoded = read_thumbnail(run, digest)
        if encoded is not None and (pixels := _pixels_alone(encoded)) is not None:
            write_bytes(out / "thumbs" / f"{digest}.jpg", pixels)
    return write(load(out), out / "report.html", out / "tables")


def _local_names(data: RunData, run: Path) -> LocalNames:
    config = data.record.config
    named = [config.suite, config.out, config.cache or "", data.suite.source, *map(str, config.images.values())]
    named += [model.folder or "" for model in data.record.models.values()]
    folders = [folder for folder in map(str, named) if "/" in folder or "\\" in folder]
    folders += [str(run.absolute()), str(run.resolve())]
    texts = [data.record.model_dump_json(), *data.images["path"].dropna(), *data.images["error"].dropna()]
    return LocalNames.of_this_machine(texts, folders)


def _cleaned(record: R, clean: Callable[[str], str]) -> R:
    """A record and everything in it, names in mappings too."""
    cleaned = _changed(record, clean)
    assert isinstance(cleaned, type(record))
    return cleaned


def _changed(value: object, clean: Callable[[str], str]) -> object:
    if isinstance(value, Record):
        located = next((fields for kind, fields in LOCATIONS.items() if isinstance(value, kind)), ())
        changes = {name: inner for name, inner in value if name in value.model_fields_set}
        changes |= {name: _changed(changes[name], shortened) for name in located if name in changes}
        return value.model_copy(update={name: _changed(inner, clean) for name, inner in changes.items()})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{k: _changed(v, clean) for k, v in vars(value).items()})
    if isinstance(value, dict):
        return {clean(key): _changed(inner, clean) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_changed(inner, clean) for inner in value)
    return clean(value) if isinstance(value, str) else value


def _cleaned_table(frame: pd.DataFrame, clean: Callable[[str], str]) -> pd.DataFrame:
    """The table with names and reasons cleaned and the last name of paths; prompts are the suite's and stay."""
    changes = {}
    for name in NAMES:
        if name in frame:
            new = {old: clean(old) for old in frame[name].dropna().unique()}
            if len(set(new.values())) < len(new):
                raise RunError(f"without local names two of the column '{name}' would be called alike; rename them")
            changes[name] = frame[name].map(new)
    if "error" in frame:
        changes["error"] = frame["error"].map(clean, na_action="ignore")
    if "path" in frame:
        changes["path"] = frame["path"].map(lambda path: clean(last_name(path)), na_action="ignore")
    return frame.assign(**changes)


def _write_table(path: Path, frame: pd.DataFrame, schema: pa.Schema) -> None:
    for name in frame.columns.difference(schema.names):  # metrics that are not installed here
        schema = schema.append(pa.field(name, pa.float64()))
    table = pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def _ledger(run: Path, clean: Callable[[str], str]) -> bytes | None:
    """The lines of the ledger, cleaned; None where the run has none."""
    try:
        written = read_inside(run, LEDGER, MAX_LEDGER)
    except FileNotFoundError:
        return None
    return "".join(f"{line}\n" for line in _lines(run, written, clean)).encode()


def _lines(run: Path, written: bytes, clean: Callable[[str], str]) -> Iterator[str]:
    for number, line in enumerate(written.splitlines(), start=1):
        try:
            generation = Generation.model_validate_json(line)
        except ValidationError as error:
            raise RunError(f"{run / LEDGER}, line {number}: not a generation record") from error
        yield _cleaned(generation, clean).model_dump_json(exclude_none=True)


def _digests(data: RunData) -> list[str]:
    photos = data.suite_photos
    return sorted({*data.images["digest"].dropna(), *photos["target"].dropna(), *photos["reference"].dropna()})


def _pixels_alone(encoded: bytes) -> bytes | None:
    """A JPEG of the same pixels without EXIF, comments and whatever else a file may bring; None for what is none."""
    buffer = BytesIO()
    try:
        with Image.open(BytesIO(encoded), formats=["JPEG"]) as image:
            pixels = Image.new("RGB", image.size)
            pixels.paste(image)
            pixels.save(buffer, "JPEG", quality=90)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return buffer.getvalue()
