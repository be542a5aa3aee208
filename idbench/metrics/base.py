"""What a metric declares about itself, and what a per-person metric is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Metric", "PersonView"]

Array = npt.NDArray[Any]
Direction = Literal["higher", "lower", "zero", "context"]


@dataclass(frozen=True)
class PersonView:
    """All that is known of one person in one generated image, as arrays.

    Embeddings (d,), references (k, d), other_targets (m, d): targets of the case's other people.
    Landmarks (5, 2) in pixels. Luma crops (112, 112) uint8, aligned. `reference_landmarks` and `reference_luma` are
    those of the reference nearest to the generated face; `reference_correlations` (k,) are those of the generated crop
    with every reference's, registered to it (`idbench.faces.registration`). `in_slot` says whether the face lies
    nearest to this person's box among all generated faces; None where the suite has no boxes or one person only.
    A missing target or reference is None or has k = 0.
    """

    generated: Array
    target: Array | None
    references: Array
    other_targets: Array
    generated_landmarks: Array
    target_landmarks: Array | None
    reference_landmarks: Array | None
    generated_luma: Array
    target_luma: Array | None
    reference_luma: Array | None
    in_slot: bool | None = None
    reference_correlations: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Metric:
    """A number with a name, a range and a direction; reports read these instead of knowing them.

    direction: "higher" or "lower" is better, "zero" is best, or "context" (explains, does not rank).
    failure_value: what a failed person or image counts in the failure-aware form; None if the metric
    has no such form. needs: the suite's faces without which the metric is undefined, for a failure as for
    a success ("target", "reference"). compute: for per-person metrics, from a `PersonView` to a float or nan.

    >>> twice = Metric("twice", "", -2, 2, "higher", compute=lambda view: 2 * (view.generated @ view.target))
    >>> blank = np.zeros((5, 2)), np.zeros((112, 112), np.uint8)
    >>> view = PersonView(np.array([1.0, 0.0]), np.array([0.6, 0.8]), np.empty((0, 2)), np.empty((0, 2)),
    ...                   blank[0], None, None, blank[1], None, None)
    >>> twice.value(view)
    1.2
    """

    name: str
    title: str
    low: float
    high: float
    direction: Direction
    unit: str = ""
    meaning: str = ""
    citation: str = ""
    failure_value: float | None = None
    needs: tuple[str, ...] = ("target", "reference")
    headline: bool = False
    compute: Callable[[PersonView], float] | None = None

    def value(self, view: PersonView) -> float:
        """The metric for one person; nan where it is undefined."""
        assert self.compute is not None
        result = float(self.compute(view))
        return result if np.isfinite(result) else float("nan")
