"""The seam for models: anything that makes an image for a case and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from idbench.images import RGB
from idbench.records import Case

__all__ = ["Generated", "Model"]


@dataclass(frozen=True)
class Generated:
    """What a model gave: RGB pixels (height, width, 3) uint8, or None and why."""

    pixels: RGB | None
    error: str | None = None


class Model(Protocol):
    """A model that is ready to generate. `name` is what tables call it."""

    name: str
    parallel: bool
    """Whether `generate` may be called from several threads at once."""
    needs_truth: bool
    """Whether the model must be told what a rendered case was drawn from; only simulated models may say so."""

    def describe(self) -> dict[str, Any]:
        """What the model is, with every parameter that decides its pixels; JSON-serialisable."""
        ...

    def generate(self, case: Case, seed: int) -> Generated:
        """The image for a case's prompt and references, the same for the same seed; a failure with its reason.

        What is raised is no failure of the image: it stops the run.
        """
        ...
