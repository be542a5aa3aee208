"""A small good suite with a model's images, in memory, to be perturbed and then written."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from idbench.images import decode, encode_png
from idbench.models.simulated import parse_dials, simulate
from idbench.records import Case

__all__ = ["FORMS", "Entry", "File", "Form", "Sitter", "World", "case_ids", "world_of"]

Form = Literal["manifest", "folders", "parquet"]
FORMS: tuple[Form, ...] = ("manifest", "folders", "parquet")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CASE_IDS = ("r001", "Zoé-2", "r010", "kim.b")
"""Names of the cases: numbered, with an accent, with a dot."""


@dataclass
class File:
    """A photo of the suite, or an image of the model: its path below its folder, and its bytes."""

    name: str
    data: bytes

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def stem(self) -> str:
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    def called(self, stem: str | None = None, suffix: str | None = None) -> str:
        """Its name with another stem or suffix."""
        last = (stem if stem is not None else self.stem) + (suffix if suffix is not None else self.suffix)
        return f"{self.folder}/{last}" if self.folder else last

    def picture(self) -> Image.Image:
        return Image.fromarray(decode(self.data))


@dataclass
class Sitter:
    """One person of a case."""

    photos: list[File]
    identity: str | None
    box: Any


@dataclass
class Entry:
    """One case. `was` is its id in the good suite; `more` are further fields of its row, which may replace others."""

    was: str
    id: str
    prompt: str | None
    subset: str
    target: File | None
    people: list[Sitter]
    images: list[File]
    size: tuple[int, int]
    """Of the target."""
    more: dict[str, Any] = field(default_factory=dict)

    def photos(self) -> list[File]:
        return [*([self.target] if self.target else []), *(photo for one in self.people for photo in one.photos)]

    def boxes(self) -> list[Any]:
        return [one.box for one in self.people]


@dataclass
class World:
    """A suite in one of three forms, and a folder `m` of images. `beside` are further files, by path below the root;
    `after`, and
    then `last`, change what lies on disk."""

    form: Form
    seeds: int
    entries: list[Entry]
    beside: dict[str, bytes] = field(default_factory=dict)
    suite: str = "suite"
    given: str = "suite"
    """What is given to `--suite`, below the root."""
    images: str = "m"
    images_given: str = "m"
    text: Callable[[str], bytes] = str.encode
    """How manifest and meta.json are written."""
    path: Callable[[str], str] = str
    """How the manifest writes the path of a photo."""
    manifest: Callable[[list[str]], str] = lambda lines: "".join(line + "\n" for line in lines)
    meta: str = "meta.json"
    table: list[Callable[[pa.Table], pa.Table]] = field(default_factory=list)
    parquet: str = "data/train-00000-of-00001.parquet"
    rows_per_file: int = 100
    bare: set[str] = field(default_factory=set)
    """Cases whose folder has no meta.json."""
    after: list[Callable[[Path], None]] = field(default_factory=list)
    last: list[Callable[[Path], None]] = field(default_factory=list)

    def copy(self) -> World:
        return copy.deepcopy(self)

    def files(self) -> Iterator[tuple[Entry, File, bool]]:
        """Every case's files, and whether it is a photo of the suite."""
        for entry in self.entries:
            yield from ((entry, photo, True) for photo in entry.photos())
            yield from ((entry, image, False) for image in entry.images)

    def write(self, root: Path) -> None:
        for path, data in self.beside.items():
            _put(root / path, data)
        for entry in self.entries:
            for image in entry.images:
                _put(root / self.images / image.name, image.data)
            if self.form != "parquet":
                for photo in entry.photos():
                    _put(root / self.suite / photo.name, photo.data)
        (root / self.images).mkdir(parents=True, exist_ok=True)
        {"manifest": self._manifest, "folders": self._metas, "parquet": self._parquet}[self.form](root / self.suite)
        for change in (*self.after, *self.last):
            change(root)

    def _manifest(self, root: Path) -> None:
        rows = [
            {
                "id": one.id,
                "prompt": one.prompt,
                "subset": one.subset,
                "target": one.target and self.path(one.target.name),
            }
            | {"people": [self._person(person) for person in one.people]}
            | one.more
            for one in self.entries
        ]
        lines = [
            json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False)
            for row in rows
        ]
        _put(root / "cases.jsonl", self.text(self.manifest(lines)))

    def _person(self, person: Sitter) -> dict[str, Any]:
        row = {
            "references": [self.path(photo.name) for photo in person.photos],
            "identity": person.identity,
            "box": person.box,
        }
        return {key: value for key, value in row.items() if value is not None}

    def _metas(self, root: Path) -> None:
        for one in self.entries:
            if one.id not in self.bare:
                row = {
                    "prompt": one.prompt,
                    "subset": one.subset,
                    "num_persons": len(one.people),
                    "bboxes": one.boxes(),
                }
                _put(root / one.id / self.meta, self.text(json.dumps(row | one.more, ensure_ascii=False)))

    def _parquet(self, root: Path) -> None:
        rows = [
            {
                "ID": one.id, "GT": _cell(one.target),
                "input_images": [_cell(photo) for person in one.people for photo in person.photos],
                "prompt": one.prompt, "task_type": "", "subset": one.subset, "num_persons": len(one.people),
                "bboxes": json.dumps(one.boxes()),
            } | one.more
            for one in self.entries
        ]  # fmt: skip
        schema = {"GT": IMAGE, "input_images": pa.list_(IMAGE), "num_persons": pa.int32()}
        arrays = {name: _column([row.get(name) for row in rows], schema.get(name)) for row in rows for name in row}
        table = pa.table(arrays)
        for change in self.table:
            table = change(table)
        for i, start in enumerate(range(0, len(rows), self.rows_per_file)):
            path = root / self.parquet.replace("00000", f"{i:05d}", 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.slice(start, self.rows_per_file), path)


def _column(values: list[Any], kind: pa.DataType | None) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values)


def _cell(file: File | None) -> dict[str, Any] | None:
    return {"bytes": file.data, "path": None} if file is not None else None


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def case_ids(world: World) -> dict[str, str]:
    """Id -> what the case is called in the good suite."""
    return {entry.id: entry.was for entry in world.entries}


def world_of(cases: list[Case], form: Form, seeds: int) -> World:
    """The cases with one reference per person and the images of a good simulated model, one or two per case."""
    dials = parse_dials("good")
    entries = []
    for case_id, case in zip(CASE_IDS, cases, strict=True):
        people = [
            Sitter([File(_photo_name(form, case_id, i), one.references[0].read())], one.identity, list(one.box))
            for i, one in enumerate(case.people, start=1)
        ]
        images = []
        for seed in range(seeds):
            picture = simulate(case.truth, dials, seed).picture
            name = f"{case_id}.png" if seeds == 1 else f"{case_id}--{seed}.png"
            images.append(File(name, encode_png(picture.pixels)))
        target = File(_photo_name(form, case_id, 0), case.target.read())
        entries.append(Entry(case_id, case_id, case.prompt, case.subset, target, people, images, target.picture().size))
    return World(form, seeds, entries)


def _photo_name(form: Form, case_id: str, number: int) -> str:
    """The target is number 0."""
    if form == "manifest":
        return f"photos/{case_id}/{number}.png"
    return f"{case_id}/{f'ref_{number}' if number else 'ori'}.png"
