"""The suite that needs nothing: people who never lived, rendered when the suite is first read.

`synthetic`, `synthetic:small`, `synthetic:medium?seed=3&spread=1.0`. Photos are kept in a folder, case by
case, so that a reader who is stopped goes on where it was. Once all are there, so is a manifest
(`idbench.suites.folder`), and the folder can be given to anybody as a suite of its own; `truth.jsonl` says
what each case was drawn from. A photo that is missing or damaged is rendered again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import Field, ValidationError

from idbench.errors import SuiteError
from idbench.images import RGB, digest_of, encode_png
from idbench.kinds import SuiteKind
from idbench.out_folder import SUITE as SUITE_FOLDER
from idbench.out_folder import check_out
from idbench.platform import usable_cores
from idbench.records import Case
from idbench.schema import Record, problem_of
from idbench.store import default_cache_dir, key_of, write_bytes
from idbench.suites.base import Suite
from idbench.suites.folder import MANIFEST, ManifestCase, ManifestPerson, case_of_row
from idbench.synthetic.identity import SPREAD
from idbench.synthetic.plans import PLAN_VERSION, VARIATION, CasePlan, plan_cases, render_reference, render_target
from idbench.synthetic.rendering import RENDER_VERSION
from idbench.threads import map_ahead

__all__ = ["LICENCE", "SIZES", "SUITE", "open_suite"]

SIZES = {"small": 48, "medium": 200, "large": 1000}
"""Cases."""

LICENCE = "none needed: nobody in it ever lived"
TRUTH = "truth.jsonl"
DONE = "case.json"
OWNER = "suite.json"
"""Says which suite a folder is for."""


class Wanted(Record):
    """Which of the synthetic suites."""

    size: Literal["small", "medium", "large"] = "small"
    seed: int = Field(0, ge=0)
    spread: float = Field(SPREAD, gt=0, le=3)

    @property
    def name(self) -> str:
        """As a user would write it."""
        changed = self.model_dump(exclude={"size"}, exclude_defaults=True)
        query = "&".join(f"{key}={value}" for key, value in changed.items())
        return f"synthetic:{self.size}" + (f"?{query}" if query else "")

    @property
    def key(self) -> str:
        """Another one for everything that changes a pixel."""
        return key_of(self.model_dump() | {"render": RENDER_VERSION, "plans": PLAN_VERSION, "variation": VARIATION})

    @property
    def folder(self) -> Path:
        """Where its photos are kept unless the user says otherwise."""
        return default_cache_dir() / "suites" / f"synthetic-{self.size}-{self.key[:12]}"


class _Owner(Record):
    """The suite a folder was made for."""

    name: str
    key: str


class _Rendered(Record):
    """One case on disk: its line of the manifest, and the digests of its photos by path."""

    row: ManifestCase
    photos: dict[str, str]


def open_suite(location: str = "", subsets: tuple[str, ...] = (), folder: Path | None = None) -> Suite:
    """The synthetic suite of a size (and `seed`, and `spread` of its people); nothing is rendered yet.

    folder : where photos go; default a folder of the cache.

    Raises `SuiteError` for another size or parameter.
    """
    wanted = _parse(location)
    root = folder or wanted.folder
    return Suite(
        wanted.name,
        str(root),
        LICENCE,
        lambda problems: _read(wanted, root, problems),
        SIZES[wanted.size],
        subsets,
        rendered=True,
    )


def _parse(location: str) -> Wanted:
    size, _, query = location.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True)) | ({"size": size} if size else {})
    try:
        return Wanted.model_validate(given)
    except ValidationError as error:
        raise SuiteError(f"suite 'synthetic:{location}': {problem_of(error, Wanted.model_fields)}") from error


def _read(wanted: Wanted, root: Path, problems: dict[str, str]) -> Iterator[Case]:
    _claim(wanted, root)
    plans = plan_cases(SIZES[wanted.size], wanted.seed, wanted.spread)
    rows = []
    rendered = map_ahead(lambda plan: _on_disk(plan, root) or _render(plan, root), plans, usable_cores())
    for plan, row in zip(plans, rendered, strict=True):
        rows.append(row)
        yield replace(case_of_row(root, row, problems), truth=plan)
    _write_lines(root / TRUTH, plans)
    _write_lines(root / MANIFEST, rows)


def _claim(wanted: Wanted, root: Path) -> None:
    """Mark a folder as this suite's; raises `SuiteError` if it is another's."""
    path = root / OWNER
    if not path.exists():
        check_out(root, SUITE_FOLDER, SuiteError)
        write_bytes(path, _Owner(name=wanted.name, key=wanted.key).model_dump_json().encode())
        return
    try:
        owner = _Owner.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SuiteError(f"{path} does not say which suite {root} holds; choose another folder or delete it") from error
    if owner.key != wanted.key:
        other = "one of another version of idbench" if owner.name == wanted.name else owner.name
        raise SuiteError(f"{root} holds {other}, not this {wanted.name}; choose another folder or delete it")


def _write_lines(path: Path, records: Sequence[Record]) -> None:
    text = "".join(record.model_dump_json(exclude_none=True) + "\n" for record in records)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode())


def _on_disk(plan: CasePlan, root: Path) -> ManifestCase | None:
    """The case's line if it is there and all its photos are as they were rendered."""
    try:
        kept = _Rendered.model_validate_json((root / plan.id / DONE).read_bytes())
        whole = all(digest_of((root / path).read_bytes()) == digest for path, digest in kept.photos.items())
    except (OSError, ValueError):
        return None
    return kept.row if whole else None


def _render(plan: CasePlan, root: Path) -> ManifestCase:
    """Draw the case's photos; the record that they are whole is written last."""
    digests: dict[str, str] = {}

    def keep(name: str, pixels: RGB) -> str:
        path, data = f"{plan.id}/{name}.png", encode_png(pixels)
        write_bytes(root / path, data)
        digests[path] = digest_of(data)
        return path

    target = render_target(plan)
    people = [
        ManifestPerson(
            references=[
                keep(f"person-{i + 1}-reference-{j + 1}", render_reference(person, j).pixels)
                for j in range(len(person.references))
            ],
            identity=person.label,
            box=[round(float(edge), 2) for edge in face.box],
        )
        for i, (person, face) in enumerate(zip(plan.people, target.faces, strict=True))
    ]
    row = ManifestCase(
        id=plan.id, prompt=plan.prompt, people=people, target=keep("target", target.pixels), subset=plan.subset
    )
    write_bytes(root / plan.id / DONE, _Rendered(row=row, photos=digests).model_dump_json().encode())
    return row


SUITE = SuiteKind(
    open=open_suite,
    form="synthetic[:small|medium|large][?seed=N&spread=X]",
    what="people who never lived: synthetic:small, :medium, :large, e.g. synthetic:medium?seed=3",
    licence=LICENCE,
    here=lambda: "rendered when first read",
    make=lambda location, folder: open_suite(location, folder=folder),
)
