"""The natural band and verification of a recognizer on a suite's own photos."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.vectors import rng

from idbench import stats


def test_natural_band_and_verification_on_people_who_are_easy_to_tell_apart():
    draw = rng(8)
    people = draw.normal(size=(40, 64))
    targets, references = (people + 0.3 * draw.normal(size=people.shape) for _ in range(2))
    judged = stats.verification(targets, references, np.arange(40), 0.01)
    assert judged.auc == 1
    assert judged.equal_error_rate == 0
    assert judged.true_accept_rate == 1
    assert judged.impostor == 40 * 39
    assert judged.attained <= 0.01
    assert judged.resolution == pytest.approx(1 / (40 * 39))
    band = stats.natural_band([0.5, 0.6, 0.7, math.nan])
    assert (band.median, band.n) == (0.6, 3)
    assert stats.natural_band([math.nan]) is None


def test_pairs_of_one_identity_in_two_cases_are_no_impostors():
    same = np.tile(rng(9).normal(size=64), (3, 1))
    other = same + 0.1 * rng(10).normal(size=same.shape)
    assert stats.verification(same, other, ["x", "x", "x"]) is None
    judged = stats.verification(same, other, ["x", "x", "y"])
    assert (judged.genuine, judged.impostor) == (3, 4)


def test_an_unlabelled_person_in_two_slots_does_not_pass_for_an_impostor():
    draw = rng(10)
    people = draw.normal(size=(30, 64))
    people[29] = people[0]
    targets, references = (people + 0.3 * draw.normal(size=people.shape) for _ in range(2))
    blind = stats.verification(targets, references, np.arange(30), 0.001)
    aware = stats.verification(targets, references, np.arange(30), 0.001, labelled=False)
    assert aware.left_out == 2
    assert aware.impostor == blind.impostor - 2
    assert aware.threshold < blind.threshold - 0.3
    assert aware.auc == 1 > blind.auc


def test_leaving_out_lookalikes_hardly_flatters_a_judge_who_is_any_good():
    """All people are distinct, but the suite does not say so."""
    draw = rng(11)
    people = draw.normal(size=(300, 64))
    targets, references = (people + 0.9 * draw.normal(size=people.shape) for _ in range(2))
    known = stats.verification(targets, references, np.arange(300))
    unknown = stats.verification(targets, references, np.arange(300), labelled=False)
    assert unknown.auc_all == known.auc
    assert unknown.auc == pytest.approx(known.auc, abs=0.003)
    assert unknown.left_out < 0.02 * known.impostor


def test_one_photo_as_target_and_reference_is_no_natural_variation():
    assert stats.natural_band([0.5, 0.6, 0.7, 1.0, 1 - 1e-9]).n == 3
