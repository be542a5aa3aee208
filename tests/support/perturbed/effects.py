"""What a perturbation did, and how perturbations are registered."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support.perturbed.world import FORMS, Entry, File, Form, World

__all__ = ["EXACT", "LOSSY", "PERTURBATIONS", "Effect", "Perturbation", "perturbation"]

EXACT = 0.0
LOSSY = 0.06
"""By how much similarities of JPEG at quality 100 and the like may differ; copy-paste, twice as much."""


@dataclass
class Effect:
    """What became of a world.

    cases : what the touched cases are called in the good suite; empty: all of them.
    files : the touched files; a line may name them.
    names : what else a line may name: a folder, a manifest, a name before it was changed.
    said : a line must name it, even where the numbers are equal.
    equal : by how much numbers may differ where they must be equal, whatever is said; None: equal, or a line.
    """

    cases: set[str]
    files: Sequence[File] = ()
    names: Sequence[str] = ()
    equal: float | None = None
    said: bool = False
    detail: str = ""

    def touches(self, case: str) -> bool:
        return not self.cases or case in self.cases


Change = Callable[[World, Entry, random.Random], Effect | None]


@dataclass
class Perturbation:
    """`change` returns None where it does not apply."""

    name: str
    group: str
    forms: tuple[Form, ...]
    change: Change


PERTURBATIONS: list[Perturbation] = []


def perturbation(group: str, *forms: Form) -> Callable[[Change], Change]:
    """Register a perturbation of suites in these forms (all, if none is named)."""

    def register(change: Change) -> Change:
        PERTURBATIONS.append(Perturbation(change.__name__, group, forms or FORMS, change))
        return change

    return register
