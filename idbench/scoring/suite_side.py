"""The suite's side of scoring: what is looked at, one case's photos once they are analysed, and all people's faces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from idbench.encoders.clip import ClipEncoder
from idbench.faces.pipeline import ImageAnalyser, Job
from idbench.faces.types import Analysis
from idbench.images import EncodedImage
from idbench.protocols.people import CasePeople
from idbench.records import Case
from idbench.scoring.usable import Embedded, undefined_reason
from idbench.stats import Verification, verification
from idbench.store import key_of
from idbench.suites import SuiteIndex

__all__ = ["Scoring", "SuitePeople", "SuiteSide"]

MAX_PEOPLE = 2000
"""People whose embeddings are kept; beyond, a selection by hash, so that memory stays flat."""


@dataclass
class Scoring:
    """How images are scored: what finds and embeds faces, and the protocols."""

    analyser: ImageAnalyser
    protocols: Sequence[str]
    stacked: frozenset[str] = frozenset()
    """Recognizers the paper protocol treats as FaceNet and AdaFace."""
    clip: ClipEncoder | None = None
    oracles: bool = False
    """Whether suite photos are scored too, as the oracles' images."""

    @property
    def recognizers(self) -> list[str]:
        """Names, in the order given."""
        return [recognizer.name for recognizer in self.analyser.recognizers]

    @property
    def padding(self) -> bool:
        """Whether the first reference of each person is looked at padded too."""
        return "paper" in self.protocols

    def photo_jobs(self, case: Case) -> Iterator[Job[Case]]:
        """A case's photos as the protocols look at them: target first, then every reference in order, the first of each
        person padded too for the paper protocol."""
        if case.target is not None:
            yield Job(case, case.target, "as_is", encode=True, people=len(case.people))
        for person in case.people:
            for i, image in enumerate(person.references):
                first = i == 0
                encode = first and self.oracles and len(case.people) == 1
                yield Job(case, image, "as_is", encode, people=1)
                if first and self.padding:
                    yield Job(case, image, "padded")


@dataclass
class SuiteSide:
    """One case's photos, analysed. `padded` holds first references as the paper protocol sees them, by person."""

    case: Case
    target: Analysis | None
    references: list[list[Analysis]]
    padded: list[Analysis]

    @classmethod
    def of(cls, case: Case, analyses: Iterable[Analysis], padding: bool) -> SuiteSide:
        """From the analyses of `Scoring.photo_jobs`, in their order."""
        found = iter(analyses)
        side = cls(case, next(found) if case.target is not None else None, [], [])
        for person in case.people:
            side.references.append([])
            for i, _ in enumerate(person.references):
                side.references[-1].append(next(found))
                if padding and i == 0:
                    side.padded.append(next(found))
        return side

    def photos(self) -> Iterator[tuple[EncodedImage, list[Analysis]]]:
        """Every photo and its analyses: target first, then every reference in order."""
        if self.case.target is not None and self.target is not None:
            yield self.case.target, [self.target]
        for i, person in enumerate(self.case.people):
            for k, photo in enumerate(person.references):
                yield photo, [self.references[i][k], *(self.padded[i : i + 1] if k == 0 else [])]


class SuitePeople:
    """Target and reference embeddings of the suite's people, to verify them against each other; who of them is not
    clear, and which images show them several times."""

    def __init__(self, recognizers: Sequence[str], index: SuiteIndex) -> None:
        by_hash = sorted(index.identities, key=lambda person: key_of({"person": person}))
        self._chosen = set(by_hash[:MAX_PEOPLE])
        self._people = len(by_hash)
        self._labelled = index.labelled
        self._rows: dict[str, list[tuple[Any, Any, str]]] = {name: [] for name in recognizers}
        self.unclear: dict[str, str] = {}
        """Case and person whom the case's photos do not tell clearly, and why; by the first recognizer that says so."""
        self.undefined: dict[str, dict[str, str]] = {name: {} for name in recognizers}
        """Recognizer -> case and person who have no copy-paste score whatever is generated, and why."""
        self.embedded = Embedded()
        self.sheets: set[tuple[str, str, int]] = set()
        """Model, case and seed of images that hold several pictures in rows and columns."""

    def add(self, recognizer: str, side: SuiteSide, people: CasePeople, identities: Sequence[str]) -> None:
        """Take the people of one case who have both faces, and note who is not told clearly or lacks one."""
        case_id = side.case.id
        for i, reasons in enumerate(people.unclear):
            if reasons:
                self.unclear.setdefault(f"{case_id}, person {i + 1}", f"{recognizer}: {'; '.join(reasons)}")
        for i, references in enumerate(side.references):
            if reason := undefined_reason(side.target, references, people, i):
                self.undefined[recognizer][f"{case_id}, person {i + 1}"] = reason
        for i, target in enumerate(people.targets):
            if target is not None and people.references[i] and (case_id, i) in self._chosen:
                row = (target.embedding, people.references[i][0].embedding, identities[i])
                self._rows[recognizer].append(row)

    def verifications(self, false_accept_rate: float = 0.01) -> dict[str, Verification]:
        """Per recognizer; those without both kinds of pairs are left out."""
        results = {}
        for name, rows in self._rows.items():
            if rows:
                targets, references, identities = (np.array(column) for column in zip(*rows, strict=True))
                if found := verification(
                    targets, references, identities, false_accept_rate, self._labelled, self._people
                ):
                    results[name] = found
        return results
