"""What a suite holds: cases with people, references and targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idbench.images import EncodedImage
    from idbench.schema import Box
    from idbench.synthetic.plans import CasePlan

__all__ = ["Case", "Person"]


@dataclass(frozen=True)
class Person:
    """One slot of a case. `box` is in target pixels; `identity` is a label where the suite has one."""

    references: tuple[EncodedImage, ...]
    identity: str | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Case:
    """One test item: a prompt, 1..N people with references, and usually a target photo.

    `truth` is what a rendered case was drawn from. It is for simulated models alone; no other model gets it.
    """

    id: str
    prompt: str
    people: tuple[Person, ...]
    target: EncodedImage | None = None
    subset: str = "all"
    task: str = ""
    truth: CasePlan | None = None

    def images(self) -> Iterator[EncodedImage]:
        """The case's photos: target first, then every reference in order."""
        if self.target is not None:
            yield self.target
        for person in self.people:
            yield from person.references
