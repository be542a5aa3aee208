"""What every suite offers, and the checks every suite's cases pass through."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from idbench.errors import SuiteError
from idbench.links import leads_inside, roots_of
from idbench.records import Case

__all__ = [
    "Suite",
    "add_problem",
    "case_filename",
    "inside",
    "is_output",
    "other_name_of_boxes",
    "stated_people",
    "subset_of_size",
]

_UNSAFE = re.compile(r'[/\\<>:"|?*%\x00-\x1f\x7f]|^\.')


_BOXES = re.compile(r"(?:^|[^a-z])(?:b?box(?:e?s)?|bounding)", re.IGNORECASE)
_OUTPUT = re.compile(r"(?:out|output)(?:[_-]*\d+)?$|\d{1,18}$")


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
    problems : what was wrong with single cases and how it was handled, by case, filled while reading; several are
        divided by "; " and begin alike where they are alike.
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
        for number, case in enumerate(self.read(self.problems), start=1):
            if not case.id or len(case.id) > 150:
                found = f"found '{case.id[:40]}' in case number {number}"
                raise SuiteError(f"{self.name}: a case id must have 1 to 150 characters, {found}")
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
    """`relative` under `root`, also where it is written with Windows separators or with other accents.

    Raises `SuiteError` if it is absolute or leads outside, links followed; links into the repository of a snapshot in
    the hub's cache are inside (`idbench.links.roots_of`).
    """
    path = root / _as_it_lies(root, relative)
    try:
        path.resolve()
        within = leads_inside(path, roots_of(root))
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a null character
        raise SuiteError(f"path {ascii(relative)[:100]} in {root} cannot be followed ({error})") from error
    if PureWindowsPath(relative).drive or Path(relative).is_absolute() or not _stays(relative):
        raise SuiteError(f"path '{relative}' leads outside {root}; suites may only name files inside their folder")
    if not within:
        raise SuiteError(
            f"path '{relative}' in {root} is a link that leads outside; suites may only name files inside it: "
            "copy it with 'cp -rL', or download with --local-dir"
        )
    return path


def _as_it_lies(root: Path, relative: str) -> str:
    """The spelling under which a file is there; the given one where none is."""
    spellings = [relative, relative.replace("\\", "/")]
    spellings += [unicodedata.normalize(form, one) for form in ("NFC", "NFD") for one in spellings]
    return next((one for one in spellings if _exists(root / one)), spellings[1] if "\\" in relative else relative)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _stays(relative: str) -> bool:
    """Whether a path as written goes up no further than it went down."""
    depth = 0
    for part in relative.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return False
    return True


def add_problem(problems: dict[str, str], case_id: str, problem: str) -> None:
    """Note one more thing about a case, once."""
    before = problems.get(case_id)
    if before is None:
        problems[case_id] = problem
    elif problem not in before.split("; "):
        problems[case_id] = f"{before}; {problem}"


def stated_people(value: object) -> int | None:
    """How many people a row says it has, as numbers are written: 2, 2.0, "2"; None where it does not say."""
    try:
        return int(float(value)) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def other_name_of_boxes(fields: Mapping[str, object]) -> str | None:
    """A field that seems to hold boxes in a row without `bboxes`."""
    if fields.get("bboxes"):
        return None
    return next((name for name, value in fields.items() if value and _BOXES.search(name) and name != "bboxes"), None)


def is_output(stem: str) -> bool:
    """Whether a file in a case's folder is called like a generated image: `out`, `output_0`, `7`, `out--7`."""
    return _OUTPUT.match(stem) is not None


def subset_of_size(people: int) -> str:
    """The paper's subset for a number of people: p1, p2, or p3 for three and more."""
    return f"p{min(people, 3)}"
