"""How good a recognizer is: genuine against impostor similarities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

__all__ = ["auc", "equal_error_rate", "threshold_at"]


def _checked(
    genuine: npt.ArrayLike, impostor: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    positive, negative = np.asarray(genuine, np.float64).ravel(), np.asarray(impostor, np.float64).ravel()
    if not len(positive) or not len(negative):
        raise ValueError(f"expected genuine and impostor values, found {len(positive)} and {len(negative)}")
    return positive, negative


def auc(genuine: npt.ArrayLike, impostor: npt.ArrayLike) -> float:
    """Chance that a genuine pair is more similar than an impostor pair, ties half; in [0, 1].

    Source: Mann and Whitney 1947.

    >>> auc(genuine=[0.7, 0.8, 0.9], impostor=[0.1, 0.2])  # told apart without an error
    1.0
    >>> auc(genuine=[0.7, 0.8, 0.2], impostor=[0.1, 0.2])  # 5 of 6 pairs in order, one tied
    0.9166666666666666
    """
    positive, negative = _checked(genuine, impostor)
    ranks = rankdata(np.concatenate([positive, negative]))
    wins = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def equal_error_rate(genuine: npt.ArrayLike, impostor: npt.ArrayLike) -> float:
    """Error rate at the threshold where false accepts and false rejects are closest: their mean, in [0, 1].

    >>> equal_error_rate(genuine=[0.3, 0.6, 0.7, 0.8], impostor=[0.1, 0.2, 0.3, 0.65])
    0.25
    """
    positive, negative = (np.sort(values) for values in _checked(genuine, impostor))
    thresholds = np.unique(np.concatenate([positive, negative, [np.inf]]))
    accepts = (len(negative) - np.searchsorted(negative, thresholds, "left")) / len(negative)
    rejects = np.searchsorted(positive, thresholds, "left") / len(positive)
    best = int(np.argmin(np.abs(accepts - rejects)))
    return float((accepts[best] + rejects[best]) / 2)


def threshold_at(impostor: npt.ArrayLike, false_accept_rate: float) -> tuple[float, float]:
    """Smallest threshold whose false accept rate is at most the one asked for, and the rate attained.

    A pair is accepted when its similarity is *above or equal to* the threshold. With n impostor pairs
    no rate between 0 and 1/n can be attained: the attained rate says so.

    >>> threshold_at([0.1, 0.2, 0.3, 0.4], false_accept_rate=0.25)
    (0.4, 0.25)
    >>> threshold, attained = threshold_at([0.1, 0.2, 0.3, 0.4], false_accept_rate=0.01)
    >>> threshold > 0.4, attained  # 4 pairs cannot show 1 %
    (True, 0.0)
    """
    negative = np.sort(np.asarray(impostor, np.float64).ravel())
    if not len(negative) or not 0 <= false_accept_rate <= 1:
        raise ValueError("expected impostor values and a rate in [0, 1]")
    candidates = np.append(np.unique(negative), np.nextafter(negative[-1], np.inf))
    rates = (len(negative) - np.searchsorted(negative, candidates, "left")) / len(negative)
    first = int(np.argmax(rates <= false_accept_rate))
    return float(candidates[first]), float(rates[first])
