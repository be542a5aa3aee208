"""What every suite offers, and the checks every suite's cases pass through."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idbench.errors import SuiteError
from idbench.records import Case
from idbench.schema import Box, boxes_of

__all__ = ["Suite", "case_filename", "inside", "parse_boxes", "subset_of_size"]

_UNSAFE = re.compile(r'[/\\<>:"|?*%\x00-\x1f\x7f]|^\.')


@dataclass(frozen=True)
class Suite:
    """A source of cases that can be read any number of times, one case at a time.

    Parameters
    ----------
    name : what the suite is called in reports.
    source : where it came from (hub id and revision, or path).
    licence : terms of its photos, as far as the suite says.
    read : returns a fresh iterator over the cases; never holds the whole set in memory.
    count : number of cases before subsets are chosen.
    subsets : only these are read; empty means all.
    rendered : whether its people never lived; then every case carries its `truth`.
    problems : what was wrong with single cases and how it was handled, filled while reading.
    find : returns an iterator over the cases of these ids, faster than `read`; None: there is no faster way.
    """

    name: str
    source: str
    licence: str
    read: Callable[[dict[str, str]], Iterator[Case]]
    count: int
    subsets: tuple[str, ...] = ()
    rendered: bool = False
    problems: dict[str, str] = field(default_factory=dict)
    find: Callable[[Collection[str]], Iterator[Case]] | None = None

    def cases(self) -> Iterator[Case]:
        """Every case of the chosen subsets, ids checked to be usable and unique.

        Raises `SuiteError` for an empty or repeated id (however its accents are composed), text that is
        not valid Unicode, a case without people, or an unknown subset.
        """
        seen: set[str] = set()
        subsets: set[str] = set()
        for case in self.read(self.problems):
            if not case.id or len(case.id) > 150:
                raise SuiteError(f"{self.name}: a case id must have 1 to 150 characters, found '{case.id[:40]}'")
            _check_text(self.name, case)
            if (one_spelling := unicodedata.normalize("NFC", case.id)) in seen:
                raise SuiteError(f"{self.name}: case id '{case.id}' appears twice; ids must be unique")
            if not case.people or not all(person.references for person in case.people):
                raise SuiteError(f"{self.name}: case '{case.id}' needs at least one reference per person")
            seen.add(one_spelling)
            subsets.add(case.subset)
            if not self.subsets or case.subset in self.subsets:
                yield case
        if not seen:
            raise SuiteError(f"{self.name}: no cases found in {self.source}")
        if unknown := set(self.subsets) - subsets:
            raise SuiteError(
                f"{self.name}: no subset '{sorted(unknown)[0]}'; this suite has {', '.join(sorted(subsets))}"
            )

    def select(self, case_ids: Collection[str]) -> Iterator[Case]:
        """Some cases again, by id, after `cases` has been through."""
        wanted = frozenset(case_ids)
        found = self.find(wanted) if self.find is not None else self.read({})
        return (case for case in found if case.id in wanted)


def _check_text(suite: str, case: Case) -> None:
    """Half surrogate pairs and undecodable folder names cannot be hashed, written or shown."""
    for text in (case.id, case.prompt, case.subset, *(person.identity or "" for person in case.people)):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise SuiteError(f"{suite}: case {ascii(case.id)[:60]}: {ascii(text)[:60]} is not valid Unicode") from error


def case_filename(case_id: str) -> str:
    """The file name of a case: its id with unsafe characters percent-encoded (`a/b` -> `a%2Fb`).

    Of more than 200 bytes, which file systems may refuse with a seed and suffix, the first 150 are kept,
    then `~` and 16 hexadecimal digits of the SHA-256 of all.
    """
    name = _UNSAFE.sub(lambda match: f"%{ord(match.group()):02X}", unicodedata.normalize("NFC", case_id)).encode()
    if len(name) > 200:
        name = name[:150] + f"~{hashlib.sha256(name).hexdigest()[:16]}".encode()
    return name.decode(errors="ignore")


def inside(root: Path, relative: str) -> Path:
    """`relative` under `root`; raises `SuiteError` if it is absolute or leads outside, links followed."""
    path = root / relative
    try:
        within = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a null character
        raise SuiteError(f"path {ascii(relative)[:100]} in {root} cannot be followed ({error})") from error
    if Path(relative).is_absolute() or not within:
        raise SuiteError(f"path '{relative}' leads outside {root}; suites may only name files inside their folder")
    return path


def parse_boxes(value: Any, people: int) -> list[Box] | None:
    """Face boxes from a JSON string or list, one (x1, y1, x2, y2) per person; None if there are none.

    Raises `ValueError` (one line) for anything else: other counts, non-finite or empty boxes.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"boxes are not JSON ({str(error)[:80]})") from error
    if not value:
        return None
    if not isinstance(value, list) or len(value) != people:
        found = len(value) if isinstance(value, list) else type(value).__name__
        raise ValueError(f"expected {people} boxes, found {found}")
    return list(boxes_of(value))


def subset_of_size(people: int) -> str:
    """The paper's subset for a number of people: p1, p2, or p3 for three and more."""
    return f"p{min(people, 3)}"
