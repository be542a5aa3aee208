"""What gives the images to be scored: a model (`model`), a folder (`folder`), the oracles (`oracles`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from idbench.images import EncodedImage
from idbench.records import Case, Generation

__all__ = ["Produced", "Producer"]

Produced = tuple[Generation, EncodedImage | None]
"""What became of an image before anybody looked at it, and the image, unless there is none."""


class Producer(Protocol):
    """Gives the images of one or more models for a case, always the same ones."""

    def produce(self, case: Case) -> Iterator[Produced]:
        """Every model and seed expected for the case, images or reasons."""
        ...
