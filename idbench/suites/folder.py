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

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from idbench.errors import MissingDataError, SuiteError
from idbench.image_formats import SUFFIXES, UNREAD_SUFFIXES, is_image_file, looks_like
from idbench.images import EncodedImage
from idbench.kinds import SuiteKind
from idbench.links import leads_inside, roots_of
from idbench.records import Case, Person
from idbench.schema import Record, first_problem, problem_of
from idbench.suites.base import (
    Suite,
    add_problem,
    inside,
    is_output,
    other_name_of_boxes,
    stated_people,
    subset_of_size,
)
from idbench.suites.boxes import BoxForms, box_numbers
from idbench.text_files import RepeatedKeyError, decode_text, is_link_text, lines_of, parse_json

__all__ = ["MANIFEST", "SUITE", "ManifestCase", "ManifestPerson", "case_of_row", "is_folder_suite", "open_suite"]

MANIFEST = "cases.jsonl"
MANIFEST_SUFFIXES = (".jsonl", ".ndjson")
META = "meta.json"
MAX_META = 16 << 20
"""Bytes of the largest meta.json that is read."""
MAX_NUMBER = 64
"""Highest number of a reference; what is above is a date or the like."""
_REFERENCE = re.compile(r"ref[_-]?(?P<number>\d{1,6})")


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
    """Whether `path` is a manifest, or a folder that holds one, or case folders."""
    if path.is_file():
        return path.suffix.lower() in MANIFEST_SUFFIXES
    return (path / MANIFEST).is_file() or (path.is_dir() and bool(_metas(path)))


def open_suite(location: str = "", subsets: tuple[str, ...] = ()) -> Suite:
    """The suite in folder `location`, or of the manifest `location`. Raises `MissingDataError` if there is none."""
    root = Path(location).expanduser()
    if not location or not is_folder_suite(root):
        raise MissingDataError(
            f"expected {MANIFEST} or case folders with meta.json in '{location}', found neither; "
            "see 'idbench suites list'"
        )
    manifest = root if root.is_file() else root / MANIFEST
    if manifest.is_file():
        root = manifest.parent
        forms = BoxForms(lambda problems: _manifest(manifest, problems))
        count = sum(1 for line in _lines(manifest) if line.strip())
    else:
        forms = BoxForms(lambda problems: _published(root, problems))
        count = len(_metas(root))
    return Suite(root.absolute().name, str(root), "as its owner says", forms.cases, count, subsets)


def _lines(manifest: Path) -> Iterator[bytes]:
    if not manifest.resolve().is_file() or not leads_inside(manifest, roots_of(manifest.parent)):
        raise SuiteError(f"{manifest} is a link that leads outside its folder; copy the folder with 'cp -rL'")
    try:
        yield from lines_of(manifest)
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{manifest} cannot be read ({error})") from error


def _manifest(manifest: Path, problems: dict[str, str]) -> Iterator[Case]:
    for number, line in enumerate(_lines(manifest), start=1):
        if not line.strip():
            continue
        try:
            row = ManifestCase.model_validate_json(line)
            parse_json(line.decode())
        except ValidationError as error:
            known = ManifestCase.model_fields | ManifestPerson.model_fields
            problem = (_other_content(line) if number == 1 else None) or _of_a_person(error)
            raise SuiteError(f"{manifest}, line {number}: {problem or problem_of(error, known)}") from error
        except RepeatedKeyError as error:
            raise SuiteError(f"{manifest}, line {number}: {error}") from error
        yield case_of_row(manifest.parent, row, problems)


def _of_a_person(error: ValidationError) -> str | None:
    """What to do with a field of a person that stands in the case."""
    place = first_problem(error)["loc"]
    name = str(place[0]) if len(place) == 1 else ""
    if name in ManifestCase.model_fields or name not in ManifestPerson.model_fields:
        return None
    return f'\'{name}\' is said of each person; write it in people, as in "people": [{{"references": ["a.jpg"]}}]'


def _other_content(line: bytes) -> str | None:
    """What a manifest holds instead of JSON lines, where that can be told by the first."""
    if is_link_text(line):
        return "the path of a link, copied as text instead of its file; copy the folder with 'cp -rL'"
    if line.lstrip().startswith((b"[", b"{")) and not line.rstrip().endswith((b"]", b"}")):
        return "JSON over several lines; expected one JSON object per line, such as 'jq -c .[]' writes"
    found = looks_like(line)
    return None if found in ("JSON", "text") else f"expected one JSON object per line, found a {found}"


def case_of_row(root: Path, row: ManifestCase, problems: dict[str, str]) -> Case:
    """The case that a manifest's line describes, its photos under `root`, its boxes as they are written."""
    people = []
    for i, person in enumerate(row.people):
        references = tuple(
            EncodedImage(f"{row.id}/person {i + 1}/{name}", path=inside(root, name)) for name in person.references
        )
        box = None
        try:
            boxes = box_numbers([person.box], 1) if person.box is not None else None
            box = boxes[0] if boxes else None
        except ValueError as error:
            add_problem(problems, row.id, f"box of person {i + 1} ignored: {error}")
        people.append(Person(references, person.identity or None, box))
    return Case(
        id=row.id,
        prompt=row.prompt,
        people=tuple(people),
        target=EncodedImage(f"{row.id}/target", path=inside(root, row.target)) if row.target else None,
        subset=row.subset or subset_of_size(len(people)),
        task=row.task,
    )


def _metas(root: Path) -> dict[Path, Path]:
    """Case folder -> its meta.json, in whatever case it is written; hidden folders are nothing."""
    folders = (folder for folder in sorted(root.iterdir()) if folder.name[:1] != "." and folder.is_dir())
    found = ((folder, _called_meta(folder)) for folder in folders)
    return {folder: meta for folder, meta in found if meta is not None}


def _called_meta(folder: Path) -> Path | None:
    try:
        if (folder / META).is_file():
            return folder / META
        return next((path for path in sorted(folder.iterdir()) if path.name.lower() == META and path.is_file()), None)
    except OSError:
        return None


def _published(root: Path, problems: dict[str, str]) -> Iterator[Case]:
    metas = _metas(root)
    for folder in sorted(root.iterdir()):
        if folder in metas:
            yield _case_of_folder(root, folder, metas[folder], problems)
        elif folder.name[:1] != "." and folder.is_dir() and leads_inside(folder, roots_of(root)):
            photos = _Photos.of(root, folder)
            if photos.targets or photos.references:
                add_problem(problems, folder.name, "case left out: the folder holds ori or ref images but no meta.json")
            elif below := _metas(folder):
                first = next(iter(below)).relative_to(root)
                add_problem(
                    problems,
                    folder.name,
                    f"case folders left out, because they lie a level below: {len(below)}, first {first}",
                )


def _bytes_of(meta: Path) -> bytes:
    with meta.open("rb") as file:
        data = file.read(MAX_META + 1)
    if len(data) > MAX_META:
        raise ValueError(f"more than {MAX_META >> 20} MiB")
    return data


def _case_of_folder(root: Path, folder: Path, meta: Path, problems: dict[str, str]) -> Case:
    inside(root, folder.name)
    try:
        row = parse_json(decode_text(_bytes_of(inside(root, f"{folder.name}/{meta.name}"))))
        prompt = str(row["prompt"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SuiteError(f'{meta}: expected a JSON object with "prompt" ({type(error).__name__}: {error})') from error
    photos = _Photos.of(root, folder)
    references = photos.people(stated := stated_people(row.get("num_persons")))
    for problem in photos.problems(stated):
        add_problem(problems, folder.name, problem)
    if isinstance(called := row.get("id"), str | int) and str(called) != folder.name:
        add_problem(problems, folder.name, f"the folder's name is used, not the id in {meta.name}: '{called}'")
    if other := other_name_of_boxes(row):
        add_problem(problems, folder.name, f"boxes are read from bboxes, not from {other}")
    boxes = None
    try:
        boxes = box_numbers(row.get("bboxes"), len(references))
    except ValueError as error:
        add_problem(problems, folder.name, f"boxes ignored: {error}")
    return Case(
        id=folder.name,
        prompt=prompt,
        people=tuple(Person((image,), None, boxes[i] if boxes else None) for i, image in enumerate(references)),
        target=photos.image(photos.targets[0]) if photos.targets else None,
        subset=str(row.get("subset") or subset_of_size(len(references))),
        task=str(row.get("task_type") or ""),
    )


class _Photos:
    """The photos of one case folder: targets and references by number, files in order of their names."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.targets: list[Path] = []
        self.references: dict[int, list[Path]] = defaultdict(list)
        self.others: list[Path] = []

    @classmethod
    def of(cls, root: Path, folder: Path) -> _Photos:
        """Sort the files of a folder."""
        photos = cls(root, folder)
        for path in sorted(folder.iterdir()):
            if path.name[:1] == "." or path.is_dir() or not _may_be_photo(path):
                continue
            stem = path.stem.lower()
            if stem == "ori":
                photos.targets.append(path)
            elif (match := _REFERENCE.fullmatch(stem)) and int(match["number"]) <= MAX_NUMBER:
                photos.references[int(match["number"])].append(path)
            elif not is_output(path.stem):
                photos.others.append(path)
        return photos

    def image(self, path: Path) -> EncodedImage:
        """A file of the folder."""
        name = f"{self.folder.name}/{path.name}"
        return EncodedImage(name, path=inside(self.root, name))

    def numbers(self, stated: int | None) -> range:
        """Numbers of the references that should be there, `stated` being how many people the case says it has."""
        wanted = stated if stated is not None and stated <= MAX_NUMBER else 0
        if not self.references:
            return range(1, max(1, wanted) + 1)
        first = min(1, *self.references)
        return range(first, max(*self.references, first + wanted - 1) + 1)

    def people(self, stated: int | None) -> list[EncodedImage]:
        """One reference per person. One that is missing is a photo that cannot be read, so that nobody takes the place
        of another person."""
        numbers = self.numbers(stated)
        return [self.image(next(iter(self.references.get(n, ())), Path(f"ref_{n}.jpg"))) for n in numbers]

    def problems(self, stated: int | None) -> Iterator[str]:
        """What is not as it should be: photos that are missing, double, or called otherwise."""
        numbers = self.numbers(stated)
        if missing := [f"ref_{n}" for n in numbers if n not in self.references]:
            yield f"a reference is missing: {', '.join(missing)}"
        if stated is not None and stated != len(numbers):
            yield f"num_persons is not the number of references: {stated}, not {len(numbers)}"
        for paths in (self.targets, *(self.references[n] for n in sorted(self.references))):
            if len(paths) > 1:
                yield f"two files for one photo, the first is taken: {', '.join(path.name for path in paths)}"
        lost = [path.name for path in self.others if not self.targets or path.stem.lower().startswith(("ref", "ori"))]
        if lost:
            yield f"images not understood (the target is called ori, references ref_1, ref_2): {', '.join(lost[:5])}"


def _may_be_photo(path: Path) -> bool:
    """Whether a file is an image by its suffix, be it one that cannot be read, or has none and is one by its bytes."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES or suffix in UNREAD_SUFFIXES:
        return True
    return not suffix and is_image_file(path)


SUITE = SuiteKind(
    open=open_suite,
    form="folder:PATH",
    what="folder:PATH or just PATH: case folders, or a cases.jsonl manifest",
    here=lambda: "your own data",
    recognises=is_folder_suite,
)
