"""A comparison's directory: `comparison.json`, and in `compared/` what it needs of each run to be made again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from idbench.errors import RunError
from idbench.out_folder import COMPARISON, check_out
from idbench.records.comparison import COMPARISON_VERSION, ComparedRun, ComparisonRecord, StatisticsRecord
from idbench.report.data import RunData, load
from idbench.report.thumbnails import read_thumbnail
from idbench.run_files import check_leads_inside, open_inside, read_record
from idbench.store import atomic_path, write_bytes, write_json

__all__ = ["check_free", "finish", "is_comparison", "keep", "open_runs", "read_comparison"]

RECORD = "comparison.json"
COPIES = "compared"
FILES = ("run.json", "summary.json", "scores.parquet", "images.parquet", "suite.parquet")
"""What a comparison reads of a run, pictures apart."""
MAX_BYTES = 8 << 30
"""Of a file that is copied; larger ones are not read as tables either."""


def is_comparison(folder: Path) -> bool:
    """Whether `compare` wrote this directory."""
    return (folder / RECORD).is_file()


def read_comparison(folder: Path) -> ComparisonRecord:
    """Its record. Raises `RunError` if it is damaged or of another version."""
    record = read_record(folder, RECORD, ComparisonRecord)
    if record.schema_version != COMPARISON_VERSION:
        raise RunError(f"{folder} was made by another version of idbench; compare its runs again")
    return record


def open_runs(folders: Sequence[Path]) -> list[RunData]:
    """The runs in an order that depends on their names and content only; a comparison stands for its runs.

    A run that is in two comparisons, or given beside one that holds it, counts once. Raises `RunError` for a directory
    that is given twice.
    """
    places = [folder.resolve() for folder in folders]
    if again := next((folder for i, folder in enumerate(folders) if places[i] in places[:i]), None):
        raise RunError(f"{again} is given twice; name each run once")
    found: list[tuple[str, str, RunData]] = []
    held: set[tuple[str, str]] = set()
    for folder in folders:
        if is_comparison(folder):
            inside = [(run.sources[0].name, _digest(run.path), run) for run in _runs_inside(folder)]
            found += [one for one in inside if one[:2] not in held]
            held |= {one[:2] for one in inside}
    for folder in folders:
        if not is_comparison(folder):
            run = load(folder)
            one = (run.sources[0].name, _digest(folder), run)
            found += [one] if one[:2] not in held else []
    return [run for _, _, run in sorted(found, key=lambda one: one[:2])]


def _runs_inside(folder: Path) -> Iterator[RunData]:
    for i, one in enumerate(read_comparison(folder).runs):
        place = folder / COPIES / str(i)
        if one.folder != f"{COPIES}/{i}" or place.resolve() != folder.resolve() / COPIES / str(i):
            raise RunError(f"{folder / RECORD} names a run outside {COPIES}/; compare the runs again")
        run = load(place)
        yield replace(run, sources=(replace(run.sources[0], name=one.name),))


def _digest(run: Path) -> str:
    """Of everything that a comparison reads of a run, pictures apart."""
    whole = hashlib.sha256()
    for name in FILES:
        one = hashlib.sha256()
        with open_inside(run, name, MAX_BYTES) as file:
            while block := file.read(1 << 20):
                one.update(block)
        whole.update(one.digest())
    return whole.hexdigest()


def check_free(out: Path, folders: Sequence[Path]) -> None:
    """Raises `RunError` if a comparison in `out` would overwrite a run, or what it is made from."""
    check_out(out, COMPARISON)
    whole, copies = out.resolve(), (out / COPIES).resolve()
    for folder in (one.resolve() for one in folders):
        if folder == whole or folder.parent == copies:
            raise RunError(f"{out} holds what is to be compared; choose another --out")


def keep(runs: Sequence[RunData], statistics: StatisticsRecord, out: Path) -> ComparisonRecord:
    """Copy what `open_runs` needs of the runs; the directory is a comparison again once `finish` wrote the record."""
    check_leads_inside(out, COPIES)
    if is_comparison(out):
        (out / RECORD).unlink()
        shutil.rmtree(out / COPIES, ignore_errors=True)
    kept = [ComparedRun(name=run.sources[0].name, folder=f"{COPIES}/{i}") for i, run in enumerate(runs)]
    for run, one in zip(runs, kept, strict=True):
        for name in FILES:
            with (
                open_inside(run.path, name, MAX_BYTES) as file,
                atomic_path(out / one.folder / name) as temporary,
                temporary.open("wb") as copy,
            ):
                shutil.copyfileobj(file, copy)
        for digest in _pictures(run):
            if (encoded := read_thumbnail(run.path, digest)) is not None:
                write_bytes(out / one.folder / "thumbs" / f"{digest}.jpg", encoded)
    return ComparisonRecord(schema_version=COMPARISON_VERSION, statistics=statistics, runs=kept)


def _pictures(run: RunData) -> list[str]:
    """Digests of pictures of the run that a gallery could show."""
    digests = pd.concat([run.images["digest"], run.suite_photos["target"], run.suite_photos["reference"]])
    return sorted(set(digests.dropna()))


def finish(out: Path, record: ComparisonRecord) -> None:
    """Write the record, last of all."""
    write_json(out / RECORD, record.model_dump(mode="json"))
