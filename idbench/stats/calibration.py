"""What the suite's own real photos say about a judge."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.metrics import auc, cosine_matrix, equal_error_rate, threshold_at

__all__ = ["Band", "Verification", "natural_band", "verification"]


@dataclass(frozen=True)
class Band:
    """Similarity of two real photos of one person: median and 5 to 95 % over n people."""

    median: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """For summary.json."""
        return asdict(self)


@dataclass(frozen=True)
class Verification:
    """How well a judge tells people apart on this suite.

    threshold is the smallest with a false accept rate of at most `false_accept_rate`; `attained` is the
    rate it has, and `resolution` (1 / impostor pairs) the smallest step a rate can make here. `left_out`
    counts pairs of unlabelled slots that may show one person and so are neither genuine nor impostor.
    """

    auc: float
    equal_error_rate: float
    threshold: float
    false_accept_rate: float
    attained: float
    resolution: float
    true_accept_rate: float
    genuine: int
    impostor: int
    left_out: int
    people: int
    people_used: int

    def as_dict(self) -> dict[str, Any]:
        """For summary.json."""
        return asdict(self)


def natural_band(sim_tr: npt.ArrayLike) -> Band | None:
    """Band of target-reference similarities (n,); None without finite values."""
    values = np.asarray(sim_tr, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Band(float(median), float(low), float(high), len(values))


def verification(
    targets: npt.ArrayLike,
    references: npt.ArrayLike,
    identities: npt.ArrayLike,
    false_accept_rate: float = 0.01,
    labelled: bool = True,
    most_people: int = 2000,
) -> Verification | None:
    """Genuine pairs: target and reference of one slot. Impostor pairs: target and reference of any two
    slots with different identities.

    targets, references : (n, d), a row per person slot; identities : (n,). Above `most_people` slots an
    evenly spaced selection is used, so memory stays bounded. None without both kinds of pairs.

    labelled : whether identities are known. If not, one person may stand in several slots unnoticed and
    would pass for an impostor. Two slots whose targets, or whose references, are as alike as genuine
    pairs are (above their 5th percentile) are then left out. Other photos decide than those compared,
    which keeps the selection from favouring the judge, though not entirely: label identities if you can.
    """
    first, second, who = np.asarray(targets), np.asarray(references), np.asarray(identities)
    people = len(who)
    if people > most_people:
        chosen = np.linspace(0, people - 1, most_people).astype(int)
        first, second, who = first[chosen], second[chosen], who[chosen]
    if not people:
        return None
    matrix = cosine_matrix(first, second)
    genuine = np.diag(matrix)[np.isfinite(np.diag(matrix))]
    strangers = who[:, None] != who[None, :]
    alike = np.zeros_like(strangers) if labelled else strangers & _alike(first, second, genuine)
    impostor = matrix[strangers & ~alike]
    impostor = impostor[np.isfinite(impostor)]
    if not len(genuine) or not len(impostor):
        return None
    threshold, attained = threshold_at(impostor, false_accept_rate)
    return Verification(
        auc=auc(genuine, impostor),
        equal_error_rate=equal_error_rate(genuine, impostor),
        threshold=threshold,
        false_accept_rate=false_accept_rate,
        attained=attained,
        resolution=1 / len(impostor),
        true_accept_rate=float((genuine >= threshold).mean()),
        genuine=len(genuine),
        impostor=len(impostor),
        left_out=int(alike.sum()),
        people=people,
        people_used=len(who),
    )


def _alike(
    targets: npt.NDArray[np.float64], references: npt.NDArray[np.float64], genuine: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Pairs of slots (n, n) whose targets or references are as alike as genuine pairs are."""
    if not len(genuine):
        return np.zeros((len(targets), len(targets)), bool)
    bound = np.quantile(genuine, 0.05)
    likeness = np.maximum(cosine_matrix(targets, targets), cosine_matrix(references, references))
    result: npt.NDArray[np.bool_] = likeness >= bound
    return result
