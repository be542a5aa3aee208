"""The account of a run: what became of what was asked for, in `run.json`, and what is said of it at the end."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from idbench.generate.folder import FolderProducer
from idbench.generate.model import ModelProducer
from idbench.prepare import Opened
from idbench.progress import Warn
from idbench.records import ORACLES
from idbench.records.run import Counts, ListedFiles, ListedProblems, NetworkRecord, UndefinedPeople
from idbench.schema import counted, one_line
from idbench.scoring import SuitePeople
from idbench.suites import SuiteIndex

__all__ = ["Account", "told_at_the_end"]

LISTED = 20
"""Entries of a list that are written out; of the others there is the count."""


@dataclass
class Account:
    """What is known of a run so far: filled step by step."""

    opened: Opened
    index: SuiteIndex | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[FolderProducer] = ()
    models: Sequence[ModelProducer] = ()
    people: SuitePeople | None = None
    images: pd.DataFrame | None = None

    def counts(self) -> Counts:
        """What `run.json` says of it."""
        analyser, unclear = self.opened.analyser, self.people.unclear if self.people is not None else {}
        surplus = {folder.matched.name: folder.matched.surplus for folder in self.folders}
        failures, remarks = analyser.recognizer_failures.items(), analyser.remarks.by_kind
        return Counts(
            suite_problems=dict(sorted(self.opened.suite.problems.items())),
            suite_photos_unreadable=dict(sorted(self.unreadable.items())),
            people_unclear=_listed(unclear) if unclear else None,
            people_undefined=dict(self._undefined()),
            profiles_ignored=_listed(remarks["profile"]) if remarks["profile"] else None,
            frames_ignored=_listed(remarks["frames"]) if remarks["frames"] else None,
            images_doubtful=_listed(remarks["content"]) if remarks["content"] else None,
            encoders={one.name: NetworkRecord.model_validate(one.describe()) for one in analyser.encoders},
            images_analysed_anew=analyser.analysed,
            recognizer_failures={name: _listed(failed) for name, failed in failures if failed},
            recognizer_faults=self._faults(),
            surplus_files={k: ListedFiles(count=len(of), first=list(of[:LISTED])) for k, of in surplus.items()},
            not_tried={one.name: one.not_tried for one in self.models if one.not_tried},
        )

    def _undefined(self) -> Iterator[tuple[str, UndefinedPeople]]:
        for name, why in self.people.undefined.items() if self.people is not None else ():
            if why:
                reasons = {reason: list(why.values()).count(reason) for reason in sorted(set(why.values()))}
                yield name, UndefinedPeople(reasons=reasons, **dict(_listed(why)))

    def _faults(self) -> dict[str, str]:
        silent = self.people.embedded.faults() if self.people is not None else {}
        return silent | self.opened.analyser.recognizer_faults

    def lines(self) -> Iterator[str]:
        """What of a suite and of images was ignored, changed, undefined or could not be read: a counted line a kind."""
        counts = self.counts()
        yield from _about_problems(counts.suite_problems)
        if self.index is not None:
            yield from _about_people(counts, self.index)
            yield from _about_lacking(self.index, counts.suite_problems)
            for folder in self.folders:
                yield from folder.remarks(self.index.ids, self.opened.suite.subsets)
            if self.images is not None:
                grids = self.people.sheets if self.people is not None else set()
                for model, rows in self.images.groupby("model", sort=False):
                    tiled = {(case, seed) for one, case, seed in grids if one == model}
                    yield from _about_images(str(model), rows, tiled)
        yield from _about_recognizers(counts)


@contextmanager
def told_at_the_end(account: Account, warn: Warn) -> Iterator[Account]:
    """Say the lines of an account when the block ends, through an error too, as far as it came."""
    try:
        yield account
    except Exception:
        _tell(account, warn)
        raise
    _tell(account, warn)


def _tell(account: Account, warn: Warn) -> None:
    for line in account.lines():
        warn(line)


def _about_people(counts: Counts, index: SuiteIndex) -> Iterator[str]:
    """Photos that cannot be read, and people about whom the photos say too little."""
    if unreadable := counts.suite_photos_unreadable:
        photos = sum(1 for case in index.cases for _ in case.images())
        yield f"{len(unreadable)} of {photos} photos of the suite cannot be read, first {_first(unreadable.values())}"
    if unclear := counts.people_unclear:
        them = counted(unclear.count, "person of the suite is", "people of the suite are")
        yield (
            f"{them} not clear from their photos and undefined where that face is needed, "
            f"first {_first(': '.join(one) for one in unclear.first.items())}"
        )
    for remarks, one, many in (
        (counts.profiles_ignored, "image has a colour profile that was ignored",
         "images have a colour profile that was ignored"),
        (counts.frames_ignored, "image holds several frames or pages", "images hold several frames or pages"),
        (counts.images_doubtful, "image hardly shows anything", "images hardly show anything"),
    ):  # fmt: skip
        if remarks is not None:
            first = _first(": ".join(one) for one in remarks.first.items())
            yield f"{counted(remarks.count, one, many)}, first {first}"
    people = sum(len(case.people) for case in index.cases)
    alike: dict[str, list[str]] = {}
    for name, undefined in counts.people_undefined.items():
        reasons = ", ".join(f"{reason}: {count}" for reason, count in undefined.reasons.items())
        line = f"copy-paste is undefined for {undefined.count} of {people} people of the suite ({reasons})"
        alike.setdefault(f"{line}, first {next(iter(undefined.first))}", []).append(name)
    for line, names in alike.items():
        yield line if len(alike) == 1 else f"{', '.join(names)}: {line}"


def _about_recognizers(counts: Counts) -> Iterator[str]:
    for name, fault in counts.recognizer_faults.items():
        yield f"{name} measured nothing: {fault}"
    for name, failed in counts.recognizer_failures.items():
        if name not in counts.recognizer_faults:
            first = _first(": ".join(one) for one in failed.first.items())
            yield f"{name} could not embed the faces of {counted(failed.count, 'image')}, first {first}"


def _about_problems(problems: Mapping[str, str]) -> Iterator[str]:
    """Problems of one kind begin alike, numbers aside, up to the first colon."""
    kinds: dict[str, dict[str, str]] = {}
    for case, told in problems.items():
        for problem in told.split("; "):
            kind = re.sub(r"\d+", "#", problem.partition(":")[0].partition(" (")[0])
            kinds.setdefault(kind, {}).setdefault(case, problem)
    for cases in kinds.values():
        case, problem = next(iter(cases.items()))
        one = "1 case" if len(cases) == 1 else f"{len(cases)} cases, first"
        yield f"suite, {one} {one_line(case, 80)}: {one_line(problem)}"


def _about_lacking(index: SuiteIndex, told: Collection[str]) -> Iterator[str]:
    """Cases without what others have: a target; boxes, where there are several people and nothing else was said."""
    targets = [entry for entry in index.entries.values() if entry.target is not None]
    if without := [entry.id for entry in index.entries.values() if entry.target is None] if targets else []:
        yield f"{len(without)} of {len(index.entries)} cases have no target, first {one_line(without[0], 80)}"
    several = [entry for entry in index.entries.values() if entry.size > 1 and entry.id not in told]
    unboxed = [entry.id for entry in several if None in entry.boxes]
    if unboxed and any(None not in entry.boxes for entry in index.entries.values()):
        yield (
            f"{len(unboxed)} of {len(several)} cases of several people have no box for each, so that places are not "
            f"measured there, first {one_line(unboxed[0], 80)}"
        )


def _about_images(model: str, rows: pd.DataFrame, tiled: Collection[tuple[str, int]]) -> Iterator[str]:
    """Images that cannot be read, and those that hold several pictures: `tiled`, by case and seed."""
    unreadable = rows[rows["outcome"] == "unreadable_image"]
    if len(unreadable):
        yield (
            f"{model}: {len(unreadable)} of {len(rows)} images cannot be read and count as failures, "
            f"first {_first(unreadable['error'].dropna())}"
        )
    sheets = rows[pd.MultiIndex.from_frame(rows[["case", "seed"]]).isin(tiled)] if tiled else rows[:0]
    if len(sheets) and model not in ORACLES:
        first = sheets.iloc[0]
        yield (
            f"{model}: {counted(len(sheets), 'image seems', 'images seem')} to hold several pictures side by side, "
            f"first that of {first['case']} "
            f"({first['width']:.0f} x {first['height']:.0f} pixels, {first['faces_found']:.0f} faces); cut them apart, "
            "one file per seed"
        )


def _first(reasons: Iterable[str]) -> str:
    return one_line(next(iter(reasons), "without a reason"))


def _listed(problems: Mapping[str, str]) -> ListedProblems:
    return ListedProblems(count=len(problems), first=dict(sorted(problems.items())[:LISTED]))
