"""What the suite's own real photos say about a recognizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from idbench.metrics import MIN_THETA_TR, auc, cosine_matrix, equal_error_rate, threshold_at

__all__ = [
    "ONE_PHOTO",
    "Band",
    "CopyThreshold",
    "LikenessScale",
    "Verification",
    "copy_threshold",
    "likeness_scale",
    "natural_band",
    "verification",
]

ONE_PHOTO = float(np.cos(MIN_THETA_TR))
"""Target and reference at least this alike are one photo, which says nothing about two."""


@dataclass(frozen=True)
class Band:
    """Similarity of two real photos of one person: median and 5 to 95 % over n people."""

    median: float
    """Cosine."""
    low: float
    """5th percentile."""
    high: float
    """95th percentile."""
    n: int
    """People."""


@dataclass(frozen=True)
class Verification:
    """How well a recognizer tells people apart on this suite.

    threshold is the smallest with a false accept rate of at most `false_accept_rate`; `attained` is the
    rate it has, and `resolution` (1 / impostor pairs) the smallest step a rate can make here. `left_out`
    counts pairs of unlabelled slots that may show one person and so are neither genuine nor impostor;
    `auc_all` and `equal_error_rate_all` count them as impostors: the truth lies between the two.
    people counts the suite's slots, people_used those compared.
    """

    auc: float
    """Chance that a genuine pair is more alike than an impostor pair."""
    auc_all: float
    """The same, pairs left out counted as impostors."""
    equal_error_rate: float
    """Where false accepts and false rejects are equally many."""
    equal_error_rate_all: float
    """The same, pairs left out counted as impostors."""
    threshold: float
    """Cosine from which a pair is accepted."""
    false_accept_rate: float
    """Asked for."""
    attained: float
    """False accept rate at the threshold."""
    resolution: float
    """1 / impostor pairs."""
    true_accept_rate: float
    """Share of genuine pairs accepted."""
    genuine: int
    """Pairs."""
    impostor: int
    """Pairs."""
    left_out: int
    """Pairs that are neither."""
    people: int
    """Slots of the suite."""
    people_used: int
    """Slots compared."""
    impostor_mean: float | None = None
    """Mean cosine of impostor pairs; None in records that were written before it was kept."""


@dataclass(frozen=True)
class LikenessScale:
    """The two ends of likeness for one recognizer on one suite, as cosines: 0 for a stranger, 1 for another real photo
    of the person."""

    stranger: float
    """Mean cosine of photos of different people."""
    same_person: float
    """Mean cosine of target and reference of one person."""
    impostor: int
    """Pairs of different people."""
    genuine: int
    """Pairs of one person."""

    def of(self, cosine: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Likeness of cosines: at least 0, so that nothing is won by leaving a stranger out; nan stays nan.

        >>> LikenessScale(0.1, 0.6, 90, 10).of([-0.2, 0.1, 0.35, 0.6, 0.7]).round(2).tolist()
        [0.0, 0.0, 0.5, 1.0, 1.2]
        """
        share = (np.asarray(cosine, np.float64) - self.stranger) / (self.same_person - self.stranger)
        return np.maximum(share, 0.0)


@dataclass(frozen=True)
class CopyThreshold:
    """From which correlation a face is taken for a copy of the reference, after the suite's own pairs of photos."""

    threshold: float
    """`registered_copy` above this is a copy."""
    false_alarms: float
    """Share of real pairs above it that was asked for."""
    attained: float
    """Share of real pairs above it."""
    pairs: int
    """Targets compared with their references."""


MIN_GENUINE, MIN_IMPOSTOR, MIN_COPY_PAIRS = 5, 20, 20
"""Pairs of photos below which nothing is made from them."""


def likeness_scale(sim_tr: npt.ArrayLike, found: Verification | None) -> LikenessScale | None:
    """The scale from target-reference cosines (n,) of usable pairs and from what verification says of strangers.

    None with fewer than 5 pairs of one person or 20 of different people, or where strangers are as alike as one person.

    >>> likeness_scale([0.5, 0.6, 0.7], None) is None
    True
    """
    genuine = np.asarray(sim_tr, np.float64)
    genuine = genuine[np.isfinite(genuine)]
    if found is None or found.impostor_mean is None or found.impostor < MIN_IMPOSTOR or len(genuine) < MIN_GENUINE:
        return None
    same_person = float(genuine.mean())
    if not same_person > found.impostor_mean:
        return None
    return LikenessScale(found.impostor_mean, same_person, found.impostor, len(genuine))


def copy_threshold(natural: npt.ArrayLike, false_alarms: float = 0.05) -> CopyThreshold | None:
    """The threshold that so large a share of real pairs of photos exceed. natural: `registered_copy` of target and
    references (n,). None with fewer than 20 pairs.

    >>> round(copy_threshold(np.linspace(0.3, 0.7, 41)).threshold, 2)
    0.68
    """
    values = np.asarray(natural, np.float64)
    values = values[np.isfinite(values)]
    if len(values) < MIN_COPY_PAIRS:
        return None
    threshold = float(np.quantile(values, 1 - false_alarms))
    return CopyThreshold(threshold, false_alarms, float((values > threshold).mean()), len(values))


def natural_band(sim_tr: npt.ArrayLike) -> Band | None:
    """Band of target-reference similarities (n,); one photo used as both is no pair. None without pairs.

    >>> band = natural_band([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    >>> round(band.low, 2), band.median, round(band.high, 2), band.n
    (0.52, 0.7, 0.88, 5)
    """
    values = np.asarray(sim_tr, np.float64)
    values = values[values < ONE_PHOTO]
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
    people: int | None = None,
) -> Verification | None:
    """Genuine pairs: target and reference of one slot. Impostor pairs: target and reference of any two
    slots with different identities.

    targets, references : (n, d), a row per person slot; identities : (n,). people : how many slots the
    suite has, if these are a selection. None without both kinds of pairs.

    labelled : whether identities are known. If not, one person may stand in several slots unnoticed and
    would pass for an impostor. Two slots are then left out where their targets *and* their references are
    as alike as genuine pairs are (above their 5th percentile). Other photos decide than those compared,
    but the same recognizer: the better it is, the less this flatters it, and `auc_all` shows how much it can.

    Three people, whose reference lies 18 degrees from their target:

    >>> people = np.eye(3)
    >>> photos = people + 0.3 * np.roll(people, 1, axis=1)
    >>> found = verification(people, photos, ["anna", "ben", "cleo"])
    >>> found.genuine, found.impostor, found.auc, found.equal_error_rate, found.true_accept_rate
    (3, 6, 1.0, 0.0, 1.0)
    """
    first, second, who = np.asarray(targets), np.asarray(references), np.asarray(identities)
    if not len(who):
        return None
    matrix = cosine_matrix(first, second)
    genuine = np.diag(matrix)[np.diag(matrix) < ONE_PHOTO]
    strangers = (who[:, None] != who[None, :]) & np.isfinite(matrix)
    alike = np.zeros_like(strangers) if labelled else strangers & _alike(first, second, genuine)
    every, impostor = matrix[strangers], matrix[strangers & ~alike]
    if not len(genuine) or not len(impostor):
        return None
    threshold, attained = threshold_at(impostor, false_accept_rate)
    return Verification(
        auc=auc(genuine, impostor),
        auc_all=auc(genuine, every),
        equal_error_rate=equal_error_rate(genuine, impostor),
        equal_error_rate_all=equal_error_rate(genuine, every),
        threshold=threshold,
        false_accept_rate=false_accept_rate,
        attained=attained,
        resolution=1 / len(impostor),
        true_accept_rate=float((genuine >= threshold).mean()),
        genuine=len(genuine),
        impostor=len(impostor),
        left_out=int(alike.sum()),
        people=len(who) if people is None else people,
        people_used=len(who),
        impostor_mean=float(impostor.mean()),
    )


def _alike(
    targets: npt.NDArray[np.float64], references: npt.NDArray[np.float64], genuine: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Pairs of slots (n, n) whose targets and references are both as alike as genuine pairs are."""
    if not len(genuine):
        return np.zeros((len(targets), len(targets)), bool)
    bound = np.quantile(genuine, 0.05)
    likeness = np.minimum(cosine_matrix(targets, targets), cosine_matrix(references, references))
    result: npt.NDArray[np.bool_] = likeness >= bound
    return result
