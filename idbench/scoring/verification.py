"""Embeddings of the suite's own people, kept to measure how well each recognizer tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from idbench.protocols.people import CasePeople
from idbench.stats import Verification, verification
from idbench.store import key_of
from idbench.suites import SuiteIndex

__all__ = ["SuitePeople"]

MAX_PEOPLE = 2000
"""People whose embeddings are kept; beyond, a selection by hash, so that memory stays flat."""


class SuitePeople:
    """Target and reference embeddings of the suite's people, to verify them against each other."""

    def __init__(self, recognizers: Sequence[str], index: SuiteIndex) -> None:
        by_hash = sorted(index.identities, key=lambda person: key_of({"person": person}))
        self._chosen = set(by_hash[:MAX_PEOPLE])
        self._people = len(by_hash)
        self._labelled = index.labelled
        self._rows: dict[str, list[tuple[Any, Any, str]]] = {name: [] for name in recognizers}

    def add(self, recognizer: str, case_id: str, people: CasePeople, identities: Sequence[str]) -> None:
        """Take the people of one case who have both faces."""
        for i, target in enumerate(people.targets):
            if target is not None and people.references[i] and (case_id, i) in self._chosen:
                row = (target.embedding, people.references[i][0].embedding, identities[i])
                self._rows[recognizer].append(row)

    def verifications(self, false_accept_rate: float) -> dict[str, Verification]:
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
