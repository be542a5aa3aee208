"""Which case and seed a file's name stands for.

For a case `r001` these count, with any image suffix or none: `r001.jpg`, `r001--7.png` (seed 7), `r001/out.jpg`,
`r001/output_0.jpg`, `r001/7.png`, `r001/out--7.png`, `r001/r001.png`; for a case `a/b` also `a/b.png`. A case id with
characters that cannot stand in a file name is percent-encoded (`a/b` -> `a%2Fb`); a very long one is shortened
(`idbench.suites.case_filename` says how). An id that ends in an image suffix (`r001.jpg`) also stands for the file of
that name, and for its stem.

In a folder with several files that are numbers, each number is a seed, that of its own name too: `1/1.png` is seed 1 of
case `1`.

Where no file of a folder is named so, `r001_0.png`, `r001-seed42.png`, `r001/output_1.png` and other capitals are
understood too (`CaseNames.loosely`): only there, because `r001_0` might be another case.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from idbench.image_formats import suffixes_with_plugins
from idbench.suites.base import case_filename

__all__ = ["CaseNames", "Place"]

_SEED = re.compile(r"^(?P<stem>.*?)--(?P<seed>\d{1,18})$")
_OUT = re.compile(r"^(?:out|output(?:_0)?)(?:--(?P<seed>\d{1,18}))?$|^(?P<bare>\d{1,18})$")
_LOOSE_SEED = re.compile(r"^(?P<stem>.+?)[ _.-]+(?:seed[ _=-]*|s)?(?P<seed>\d{1,18})[ _-]*$", re.IGNORECASE)
_LOOSE_OUT = re.compile(r"^(?:[a-z]+[ _=-]*){1,2}(?P<seed>\d{1,18})[ _-]*$", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Place:
    """Case and seed of a file; of two files for one, that with the lower `rank` counts, then the first by name."""

    rank: int
    case: str
    seed: int


class CaseNames:
    """The names that the files of some cases may have."""

    def __init__(self, case_ids: Iterable[str]) -> None:
        self.ids = {_normal(case_filename(case_id)): case_id for case_id in case_ids}
        self._stems = _unique((Path(key).stem, case) for key, case in self.ids.items() if _has_image_suffix(key))
        self._lower = _unique((key.lower(), case) for key, case in (*self.ids.items(), *self._stems.items()))

    def has(self, name: str) -> bool:
        """Whether this is the name of a case, as of its own folder."""
        return _normal(name) in self.ids

    def strictly(self, path: Path, numbered: bool = False) -> Place | None:
        """What a path relative to its folder stands for, by the rules.

        numbered : the files of its folder are called by their seeds, so that `1/1.png` is seed 1 of case 1, not seed 0.
        """
        places = (place for name in _names(path) for place in self._places(path.parent.name, name, numbered))
        return min(places, default=None)

    def _places(self, folder: str, name: str, numbered: bool) -> Iterator[Place]:
        """Of the cases' own names those of rank 0, of ids without their image suffix those of rank 1."""
        folder, out = _normal(folder), _OUT.match(name)
        whole = _normal(case_filename(f"{folder}/{name}")) if folder else name
        own = name == folder and not (numbered and name.isdecimal())
        if folder and (own or name.startswith(f"{folder}--")):
            whole = name
        for rank, known in enumerate((self.ids, self._stems)):
            if folder in known and out:
                yield Place(rank, known[folder], int(out["seed"] or out["bare"] or 0))
            if whole in known:  # wins over a seed suffix
                yield Place(rank, known[whole], 0)
            elif (with_seed := _SEED.match(whole)) and with_seed["stem"] in known:
                yield Place(rank, known[with_seed["stem"]], int(with_seed["seed"]))

    def loosely(self, path: Path) -> Place | None:
        """What a path may stand for besides, where no file of the folder has a name by the rules."""
        folder = _normal(path.parent.name).lower()
        for rank, name in enumerate(map(str.lower, _names(path))):
            seed = _OUT.match(name) or _LOOSE_OUT.match(name) if folder else None
            if folder in self._lower and seed:
                return Place(rank, self._lower[folder], int(seed["seed"] or seed.groupdict().get("bare") or 0))
            if not folder and name in self._lower:
                return Place(rank, self._lower[name], 0)
            match = None if folder else _SEED.match(name) or _LOOSE_SEED.match(name)
            if match and match["stem"] in self._lower:
                return Place(rank, self._lower[match["stem"]], int(match["seed"]))
        return None

    def rename(self, path: Path) -> str | None:
        """The name that a file should have, where its own holds that of one case: the longest that stands in it alone,
        or the same number written otherwise."""
        name = _normal(str(path.with_suffix("")))
        within = [key for key in self.ids if re.search(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])", name, re.IGNORECASE)]
        if not within and path.stem.isdecimal():
            within = [key for key in self.ids if key.isdecimal() and int(key) == int(path.stem)]
        longest = [key for key in within if len(key) == max(map(len, within))]
        return f"{longest[0]}{path.suffix}" if len(longest) == 1 else None


def _names(path: Path) -> Iterator[str]:
    """What of a file's name may be a case: without its suffix, and whole, because ids may hold dots."""
    names = [path.stem, path.name] if _has_image_suffix(path.name) else [path.name, path.stem]
    yield from dict.fromkeys(map(_normal, names))


def _has_image_suffix(name: str) -> bool:
    return Path(name).suffix.lower() in suffixes_with_plugins()


def _normal(text: str) -> str:
    """One spelling per name: file systems disagree about composed accents."""
    return unicodedata.normalize("NFC", text)


def _unique(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """What stands for one thing only."""
    known = set(pairs)
    counts = Counter(key for key, _ in known)
    return {key: case for key, case in known if counts[key] == 1}
