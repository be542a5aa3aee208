"""How often a run reads its suite, and how long that takes.

    python benchmarks/suite_reading.py [--rows 400] [--models 2] [--json]

A parquet file in the schema of MultiID-Bench is made: 1, 2, 1 or 3 people per row, photos of 1024 x 768 pixels that
are grain with rendered portraits on it. It is the suite of four commands, in this order, judged by `mini`, with models
that give a grey image at once:

    dry run, new   `idbench run --dry-run` before there is anything
    run            the whole run, from an empty cache
    run again      the same command; nothing is missing
    dry run, done  `--dry-run` once everything is there

Passes are rows that came out of the file, in whatever order, over rows it has; passes with photos count only rows that
came with their photos. Photos decoded are JPEG images opened by Pillow (what models make here is PNG). Seconds are
this machine's, CPU seconds those of all threads together; most of those of the first run go to finding faces.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from idbench.cli import main as idbench
from idbench.images import RGB, encode_jpeg
from idbench.models.base import Generated, Job
from idbench.synthetic import Place, Sitter, render, sample_appearance, sample_description, sample_identities

WIDTH, HEIGHT = 1024, 768
FACE = 300
"""Side of a portrait in a photo, in pixels."""
PEOPLE = (1, 2, 1, 3)
"""People of a row, in turn."""
PHOTO = pa.struct({"bytes": pa.binary(), "path": pa.string()})
SCHEMA = pa.schema(
    {
        "ID": pa.string(), "GT": PHOTO, "input_images": pa.list_(PHOTO), "prompt": pa.string(),
        "task_type": pa.string(), "bboxes": pa.string(), "subset": pa.string(), "num_persons": pa.int32(),
    }
)  # fmt: skip


@dataclass
class Counts:
    """What was read since the last `reset`."""

    rows: int = 0
    rows_with_photos: int = 0
    decoded: int = 0

    def add(self, part: pa.RecordBatch | pa.Table) -> None:
        """Rows that came out of the file."""
        self.rows += part.num_rows
        self.rows_with_photos += part.num_rows * ("GT" in part.schema.names)

    def reset(self) -> None:
        """Start anew."""
        self.rows = self.rows_with_photos = self.decoded = 0


COUNTS = Counts()


class CountedFile(pq.ParquetFile):
    """A parquet file whose rows are counted as they are read, if it has the columns of a suite."""

    def _counted(self, part: Any) -> Any:
        if "input_images" in self.schema_arrow.names:
            COUNTS.add(part)
        return part

    def iter_batches(self, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        """Batches of rows."""
        yield from map(self._counted, super().iter_batches(*args, **options))

    def read_row_group(self, *args: Any, **options: Any) -> pa.Table:
        """One group of rows."""
        return self._counted(super().read_row_group(*args, **options))

    def read_row_groups(self, *args: Any, **options: Any) -> pa.Table:
        """Some groups of rows."""
        return self._counted(super().read_row_groups(*args, **options))

    def read(self, *args: Any, **options: Any) -> pa.Table:
        """All rows."""
        return self._counted(super().read(*args, **options))


def count_reading() -> None:
    """From now on rows of parquet files and decoded JPEG images are counted."""
    pq.ParquetFile = CountedFile
    unhooked = Image.open

    def opened(*args: Any, **options: Any) -> Image.Image:
        image = unhooked(*args, **options)
        COUNTS.decoded += image.format == "JPEG"
        return image

    Image.open = opened


class Grey:
    """A model that answers at once with the same small image."""

    card = None
    needs_truth = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.parameters: Mapping[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """Nothing that could change."""
        return {"kind": "grey"}

    def load(self, device: str, offload: str = "none") -> None:
        """Nothing to load."""

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        """Grey for every job."""
        return [Generated(np.full((64, 64, 3), 127, np.uint8)) for _ in jobs]

    def close(self) -> None:
        """Nothing to close."""


def open_model(name: str, location: str, given: Mapping[str, str]) -> Grey:
    """What the entry point names."""
    return Grey(name)


def install_model(folder: Path) -> None:
    """Make `--model NAME=grey:` known, as an installed package would."""
    about = folder / "grey_model-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: grey-model\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[idbench.models]\ngrey = __main__:open_model\n")
    sys.path.append(str(folder))


class Photographer:
    """Makes photos, no two alike."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.portraits = [self._portrait(person) for person in sample_identities(12, self.rng)]
        grain = self.rng.integers(0, 40, (HEIGHT // 2, WIDTH // 2, 3), np.uint8)
        self.grain = cv2.resize(grain, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC)

    def _portrait(self, person: Any) -> RGB:
        looks = sample_appearance(sample_description(person, self.rng), self.rng)
        small = render([Sitter(person, looks, Place(0.5, 0.47, 0.55))]).pixels
        return np.asarray(cv2.resize(small, (FACE, FACE)), np.uint8)

    def photo(self, people: Sequence[int]) -> tuple[bytes, list[list[int]]]:
        """A JPEG that shows these people side by side, and where."""
        top, left = (int(self.rng.integers(size)) for size in (HEIGHT, WIDTH))
        pixels = self.grain[top : top + HEIGHT, left : left + WIDTH] + self.rng.integers(60, 160, 3, np.uint8)
        boxes = []
        for i, person in enumerate(people):
            x, y = 30 + i * (FACE + 20), int(self.rng.integers(HEIGHT - FACE))
            pixels[y : y + FACE, x : x + FACE] = self.portraits[person]
            boxes.append([x, y, x + FACE, y + FACE])
        return encode_jpeg(pixels), boxes


def make_suite(path: Path, rows: int) -> int:
    """Write a suite of so many rows, a few at a time; returns how many photos it has."""
    at_work, photos = Photographer(), 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for first in range(0, rows, 50):
            part = [_row(i, at_work) for i in range(first, min(first + 50, rows))]
            photos += sum(1 + row["num_persons"] for row in part)
            writer.write_table(pa.Table.from_pylist(part, SCHEMA))
    return photos


def _row(number: int, at_work: Photographer) -> dict[str, Any]:
    count = PEOPLE[number % len(PEOPLE)]
    people = [(number + i) % len(at_work.portraits) for i in range(count)]
    target, boxes = at_work.photo(people)
    return {
        "ID": f"case{number:04d}",
        "GT": {"bytes": target},
        "input_images": [{"bytes": at_work.photo([person])[0]} for person in people],
        "prompt": "people in front of grain",
        "task_type": "grain",
        "bboxes": json.dumps(boxes),
        "subset": f"p{count}",
        "num_persons": count,
    }


@dataclass(frozen=True)
class Reading:
    """What one command read."""

    command: str
    passes: float
    with_photos: float
    decoded: int
    seconds: float
    cpu_seconds: float


def measure(command: str, arguments: Sequence[str], rows: int) -> Reading:
    """Run idbench in this process; what it prints is not shown unless it fails."""
    COUNTS.reset()
    began, worked = time.perf_counter(), time.process_time()
    sys.argv = ["idbench", *arguments]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            idbench()
        except SystemExit as end:
            if end.code:
                raise SystemExit(f"idbench {' '.join(arguments)}: exit code {end.code}\n{printed.getvalue()}") from end
    seconds, cpu = round(time.perf_counter() - began, 2), round(time.process_time() - worked, 2)
    return Reading(command, COUNTS.rows / rows, COUNTS.rows_with_photos / rows, COUNTS.decoded, seconds, cpu)


def main() -> None:
    """Make the suite, give the commands, print what they read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suite = folder / "suite.parquet"
        photos = make_suite(suite, given.rows)
        install_model(folder / "packages")
        os.environ["IDBENCH_CACHE"] = str(folder / "cache")
        count_reading()
        run = ["run", "-q", "--suite", str(suite), "--out", str(folder / "run"), "--no-oracles", "--allow-mini"]
        run += ["--recognizer", "mini", "--detector", "mini", "--resamples", "100"]
        run += [part for i in range(given.models) for part in ("--model", f"model{i + 1}=grey:")]
        readings = [
            measure("dry run, new", [*run, "--dry-run"], given.rows),
            measure("run", run, given.rows),
            measure("run again", run, given.rows),
            measure("dry run, done", [*run, "--dry-run"], given.rows),
        ]
        megabytes = suite.stat().st_size / 1e6
    if given.json:
        print(json.dumps([asdict(reading) for reading in readings]))
        return
    print(f"{given.rows} rows, {photos} photos, {megabytes:.0f} MB, {given.models} models")
    print(f"{'':<14} passes  with photos  photos decoded  seconds  CPU seconds")
    for one in readings:
        read = f"{one.passes:6.2f} {one.with_photos:12.2f} {one.decoded:15d}"
        print(f"{one.command:<14} {read} {one.seconds:8.1f} {one.cpu_seconds:12.1f}")


if __name__ == "__main__":
    main()
