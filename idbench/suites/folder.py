"""A suite in a folder, in one of two layouts.

Published layout, one folder per case, as the MultiID-Bench script reads it::

    root/<case>/meta.json      {"prompt": "..."}; optional "subset" and "bboxes"
    root/<case>/ori.jpg        target (optional)
    root/<case>/ref_1.jpg      reference of person 1; ref_2.jpg of person 2, and so on

Manifest, one JSON object per line of `root/cases.jsonl`, paths relative to the root::

    {"id": "c1", "prompt": "...", "target": "c1/target.jpg", "subset": "p2",
     "people": [{"references": ["a/1.jpg", "a/2.jpg"], "identity": "anna", "box": [10, 20, 90, 140]},
                {"references": ["b/1.jpg"]}]}

Only `id`, `prompt` and `people[].references` are required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from idbench.errors import MissingDataError, SuiteError
from idbench.images import EncodedImage
from idbench.kinds import SuiteKind
from idbench.records import Case, Person
from idbench.schema import Record, problem_of
from idbench.suites.base import Suite, inside, parse_boxes, subset_of_size

__all__ = ["MANIFEST", "SUITE", "ManifestCase", "ManifestPerson", "case_of_row", "is_folder_suite", "open_suite"]

MANIFEST = "cases.jsonl"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")


class ManifestPerson(Record):
    """One person of a manifest line."""

    references: list[str] = Field(min_length=1)
    """Paths of photos, relative to the folder."""
    identity: str | None = None
    box: list[float] | None = None
    """x1, y1, x2, y2 of the face in pixels of the target."""


class ManifestCase(Record):
    """One line of `cases.jsonl`."""

    id: str
    """Unique; images are named by it."""
    prompt: str
    people: list[ManifestPerson] = Field(min_length=1)
    """In the order in which the prompt speaks of them."""
    target: str | None = None
    """Path of the photo that the prompt describes."""
    subset: str | None = None
    task: str = ""
    """Free text."""


def is_folder_suite(path: Path) -> bool:
    """Whether `path` holds a manifest or case folders."""
    return (path / MANIFEST).is_file() or (path.is_dir() and any(path.glob("*/meta.json")))


def open_suite(location: str = "", subsets: tuple[str, ...] = ()) -> Suite:
    """The suite in folder `location`. Raises `MissingDataError` if there is none."""
    root = Path(location).expanduser()
    if not location or not is_folder_suite(root):
        raise MissingDataError(
            f"expected {MANIFEST} or case folders with meta.json in '{location}', found neither; "
            "see 'idbench suites list'"
        )
    if (root / MANIFEST).is_file():
        with (root / MANIFEST).open("rb") as lines:
            count = sum(1 for line in lines if line.strip())
        return Suite(
            root.name,
            str(root),
            "as its owner says",
            lambda problems: _manifest(root, problems),
            count,
            subsets,
        )
    count = sum(1 for _ in root.glob("*/meta.json"))
    return Suite(root.name, str(root), "as its owner says", lambda problems: _published(root, problems), count, subsets)


def _manifest(root: Path, problems: dict[str, str]) -> Iterator[Case]:
    with (root / MANIFEST).open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = ManifestCase.model_validate_json(line)
            except ValidationError as error:
                known = ManifestCase.model_fields | ManifestPerson.model_fields
                raise SuiteError(f"{root / MANIFEST}, line {number}: {problem_of(error, known)}") from error
            yield case_of_row(root, row, problems)


def case_of_row(root: Path, row: ManifestCase, problems: dict[str, str]) -> Case:
    """The case that a manifest's line describes, its photos under `root`."""
    people = []
    for i, person in enumerate(row.people):
        references = tuple(
            EncodedImage(f"{row.id}/person {i + 1}/{name}", path=inside(root, name)) for name in person.references
        )
        box = None
        try:
            boxes = parse_boxes([person.box], 1) if person.box is not None else None
            box = boxes[0] if boxes else None
        except ValueError as error:
            problems[row.id] = f"box of person {i + 1} ignored: {error}"
        people.append(Person(references, person.identity or None, box))
    return Case(
        id=row.id,
        prompt=row.prompt,
        people=tuple(people),
        target=EncodedImage(f"{row.id}/target", path=inside(root, row.target)) if row.target else None,
        subset=row.subset or subset_of_size(len(people)),
        task=row.task,
    )


def _published(root: Path, problems: dict[str, str]) -> Iterator[Case]:
    for meta in sorted(root.glob("*/meta.json")):
        folder = inside(root, meta.parent.name)
        try:
            row = json.loads(inside(root, f"{folder.name}/meta.json").read_text(encoding="utf-8"))
            prompt = str(row["prompt"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SuiteError(
                f'{meta}: expected a JSON object with "prompt" ({type(error).__name__}: {error})'
            ) from error
        references = _numbered_references(root, folder)
        boxes = None
        try:
            boxes = parse_boxes(row.get("bboxes"), len(references))
        except ValueError as error:
            problems[folder.name] = f"boxes ignored: {error}"
        people = tuple(Person((image,), None, boxes[i] if boxes else None) for i, image in enumerate(references))
        yield Case(
            id=folder.name,
            prompt=prompt,
            people=people,
            target=next(iter(_images_called(root, folder, "ori")), None),
            subset=str(row.get("subset") or subset_of_size(len(people))),
            task=str(row.get("task_type") or ""),
        )


def _images_called(root: Path, folder: Path, stem: str) -> list[EncodedImage]:
    return [
        EncodedImage(f"{folder.name}/{path.name}", path=inside(root, f"{folder.name}/{path.name}"))
        for path in sorted(folder.glob(f"{stem}.*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]


def _numbered_references(root: Path, folder: Path) -> list[EncodedImage]:
    stems = {path.stem for path in folder.iterdir() if re.fullmatch(r"ref_\d+", path.stem)}
    by_number = sorted(stems, key=lambda stem: (int(stem.removeprefix("ref_")), stem))
    found = (_images_called(root, folder, stem) for stem in by_number)
    return [images[0] for images in found if images]


SUITE = SuiteKind(
    open=open_suite,
    form="folder:PATH",
    what="folder:PATH or just PATH: case folders, or a cases.jsonl manifest",
    here=lambda: "your own data",
    recognises=is_folder_suite,
)
