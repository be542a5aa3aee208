"""What is known of a whole suite without its pixels: digests, identities, clusters, fingerprint.

Identities come from the suite's labels. Besides, two people are taken for the same when they share a
photo that shows one person: the same reference file, or a reference that is another one-person case's
target. That needs no face recognition, so no judge has a say in it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, digest_of
from idbench.records import Case
from idbench.records.run import SuiteCounts
from idbench.schema import Box

__all__ = ["CaseEntry", "SuiteIndex", "index_case"]


@dataclass(frozen=True)
class CaseEntry:
    """The light trace of a case: a few hundred bytes, images by digest ("" where unreadable)."""

    id: str
    prompt: str
    subset: str
    target: str | None
    references: tuple[tuple[str, ...], ...]
    boxes: tuple[Box | None, ...]
    labels: tuple[str | None, ...]

    @property
    def size(self) -> int:
        """Number of people."""
        return len(self.references)


def _digest(image: EncodedImage) -> str:
    try:
        return digest_of(image.read())
    except UnreadableImageError:
        return ""


def index_case(case: Case) -> CaseEntry:
    """Digest every photo of a case."""
    return CaseEntry(
        id=case.id,
        prompt=case.prompt,
        subset=case.subset,
        target=_digest(case.target) if case.target else None,
        references=tuple(tuple(_digest(image) for image in person.references) for person in case.people),
        boxes=tuple(person.box for person in case.people),
        labels=tuple(person.identity for person in case.people),
    )


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
    """Every case of a suite by id, in sorted order."""

    entries: dict[str, CaseEntry] = field(default_factory=dict)

    def add(self, entry: CaseEntry) -> None:
        """Take a case in."""
        self.entries[entry.id] = entry

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
                for photo in photos - {""}:
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
