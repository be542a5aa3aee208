"""What is known of a whole suite without its pixels: digests, identities, clusters, fingerprint.

Identities come from the suite's labels. Besides, two people are taken for the same when they share a
photo that shows one person: the same reference file, or a reference that is another one-person case's
target. Files that are no image are nobody's. That needs no face recognition, so no recognizer has a say in it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from idbench.errors import SuiteError, UnreadableImageError
from idbench.image_formats import is_image
from idbench.images import EncodedImage, digest_of
from idbench.records import Case
from idbench.records.run import SuiteCounts
from idbench.schema import Box
from idbench.suites.base import Suite

__all__ = ["CaseEntry", "SuiteIndex", "index_case", "with_photos"]


@dataclass(frozen=True)
class CaseEntry:
    """A case without the bytes of its photos: a few kilobytes.

    Parameters
    ----------
    case : every photo has its digest, "" where it cannot be read; one that lies in no file has nothing else.
    target_size : width and height of the target, where it was looked at.
    not_photos : digests of files that are no image; they say nothing about who is who.
    """

    case: Case
    target_size: tuple[int, int] | None = None
    not_photos: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The case's."""
        return self.case.id

    @property
    def prompt(self) -> str:
        """The case's."""
        return self.case.prompt

    @property
    def subset(self) -> str:
        """The case's."""
        return self.case.subset

    @property
    def size(self) -> int:
        """Number of people."""
        return len(self.case.people)

    @property
    def target(self) -> str | None:
        """Digest of the target."""
        return self.case.target.digest if self.case.target is not None else None

    @property
    def references(self) -> tuple[tuple[str, ...], ...]:
        """Digests of the references, by person."""
        return tuple(tuple(photo.digest or "" for photo in person.references) for person in self.case.people)

    @property
    def boxes(self) -> tuple[Box | None, ...]:
        """Face boxes in the target, by person."""
        return tuple(person.box for person in self.case.people)

    @property
    def labels(self) -> tuple[str | None, ...]:
        """Identity labels, by person."""
        return tuple(person.identity for person in self.case.people)

    @property
    def canvas(self) -> tuple[int, int] | None:
        """Width and height of the photo that the boxes are measured in; None without boxes or such a photo."""
        return self.target_size if any(box is not None for box in self.boxes) else None

    def unreadable(self) -> Iterator[str]:
        """Names of its photos that are missing, cannot be read, or are no images."""
        return (photo.name for photo in self.case.images() if photo.digest in {"", *self.not_photos})

    @property
    def on_disk(self) -> bool:
        """Whether all photos can be read from files."""
        return all(photo.file is not None for photo in self.case.images())


def index_case(case: Case) -> CaseEntry:
    """Digest every photo of a case."""

    not_photos: set[str] = set()

    def digested(photo: EncodedImage) -> EncodedImage:
        try:
            digest = digest_of(data := photo.read())
        except UnreadableImageError:
            return photo.without_bytes("")
        if not is_image(data):
            not_photos.add(digest)
        return photo.without_bytes(digest)

    return CaseEntry(with_photos(case, digested), not_photos=frozenset(not_photos))


def with_photos(case: Case, change: Callable[[EncodedImage], EncodedImage]) -> Case:
    """The case with each of its photos changed: target first, then every reference in order."""
    target = change(case.target) if case.target is not None else None
    people = tuple(replace(person, references=tuple(map(change, person.references))) for person in case.people)
    return replace(case, people=people, target=target)


class _Groups:
    """Disjoint sets of strings (union-find)."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, item: str) -> str:
        self.parent.setdefault(item, item)
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, a: str, b: str) -> None:
        first, second = sorted((self.find(a), self.find(b)))
        self.parent[second] = first


@dataclass
class SuiteIndex:
    """Every case of a suite by id, in the suite's order.

    strange_boxes : cases whose boxes are not those of their people's faces; people are told apart without them.
    """

    entries: dict[str, CaseEntry] = field(default_factory=dict)
    strange_boxes: set[str] = field(default_factory=set)

    def add(self, entry: CaseEntry) -> None:
        """Take a case in."""
        self.entries[entry.id] = entry

    @property
    def cases(self) -> list[Case]:
        """The cases, without the bytes of their photos, in the suite's order."""
        return [entry.case for entry in self.entries.values()]

    def fetch(self, suite: Suite, case_ids: Collection[str], folder: Path) -> None:
        """See to it that the photos of these cases can be read: those that lie in no file are written into `folder`.

        The suite is read again, at most once, and only as far as needed. Raises `SuiteError` if it changed meanwhile.
        """
        lacking = [case_id for case_id in case_ids if not self.entries[case_id].on_disk]
        for case in suite.select(lacking) if lacking else ():
            entry = self.entries[case.id]
            found = index_case(with_photos(case, lambda photo: photo.copied_to(folder)))
            if (found.target, found.references) != (entry.target, entry.references):
                raise SuiteError(f"{suite.name}: case {case.id} changed while it was read; run again")
            self.entries[case.id] = replace(entry, case=found.case)

    @property
    def ids(self) -> list[str]:
        """Case ids, sorted."""
        return sorted(self.entries)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over prompts, subsets, labels, boxes and photo bytes; independent of order and storage."""
        total = hashlib.sha256()
        for case_id in self.ids:
            e = self.entries[case_id]
            row = [e.id, e.prompt, e.subset, e.target, e.references, e.boxes, e.labels]
            total.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        return total.hexdigest()

    @cached_property
    def identities(self) -> dict[tuple[str, int], str]:
        """(case id, person) -> identity; equal strings mean the same person."""
        groups = _Groups()
        for e in self.entries.values():
            for i in range(e.size):
                me = f"person:{e.id}:{i}"
                groups.find(me)
                if e.labels[i] is not None:
                    groups.join(f"label:{e.labels[i]}", me)
                photos = set(e.references[i]) | ({e.target} if e.size == 1 and e.target else set())
                for photo in photos - e.not_photos - {""}:
                    groups.join(f"photo:{photo}", me)
        return {(e.id, i): groups.find(f"person:{e.id}:{i}") for e in self.entries.values() for i in range(e.size)}

    @cached_property
    def clusters(self) -> dict[str, str]:
        """Case id -> cluster: cases connected through shared people, the unit of resampling."""
        groups = _Groups()
        for (case_id, _), identity in self.identities.items():
            groups.join(f"case:{case_id}", f"identity:{identity}")
        return {case_id: groups.find(f"case:{case_id}") for case_id in self.entries}

    def stranger(self, case_id: str) -> str | None:
        """A case with as many people and none of the same; None if there is none.

        The first such case from half-way round the sorted ids on: neighbours often show the same people
        in suites that do not label them.
        """
        people = {self.identities[case_id, i] for i in range(self.entries[case_id].size)}
        ids = self._ids_by_size[self.entries[case_id].size]
        start = bisect_left(ids, case_id) + (len(ids) + 1) // 2
        for other in (ids[(start + step) % len(ids)] for step in range(len(ids))):
            if people.isdisjoint(self.identities[other, i] for i in range(self.entries[other].size)):
                return other
        return None

    @cached_property
    def _ids_by_size(self) -> dict[int, list[str]]:
        by_size: dict[int, list[str]] = {}
        for case_id in self.ids:
            by_size.setdefault(self.entries[case_id].size, []).append(case_id)
        return by_size

    @property
    def labelled(self) -> bool:
        """Whether the suite names the identity of every person."""
        return all(label is not None for e in self.entries.values() for label in e.labels)

    def counts(self) -> SuiteCounts:
        """For reports and `suites show`."""
        entries = self.entries.values()
        return SuiteCounts(
            fingerprint=self.fingerprint,
            cases=len(self.entries),
            people=sum(e.size for e in entries),
            identities=len(set(self.identities.values())),
            clusters=len(set(self.clusters.values())),
            subsets=dict(sorted(Counter(e.subset for e in entries).items())),
            labelled=self.labelled,
            without_target=sum(e.target is None for e in entries),
            with_boxes=sum(all(box is not None for box in e.boxes) for e in entries),
        )
