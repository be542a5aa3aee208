"""Copy share: mixtures made by hand, and that nobody gains by blurring, withholding or swapping in strangers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import rng, seeds

from idbench.metrics.copy_share import charged_copy_share, copy_parts
from idbench.metrics.identity import cosine

LEAST = 0.5


def mixture(seed, alpha, beta, rest):
    """Cosines (gt, gr, tr) of alpha t + beta r + rest, the rest at right angles to both; t and r at cosine .6."""
    basis, _ = np.linalg.qr(rng(seed).normal(size=(64, 3)))
    t, r = basis[:, 0], 0.6 * basis[:, 0] + 0.8 * basis[:, 1]
    g = alpha * t + beta * r + rest * basis[:, 2]
    return cosine(g, t), cosine(g, r), cosine(t, r)


@given(seeds, st.floats(0.0, 1), st.floats(0.0, 1), st.floats(0, 5))
def test_the_share_is_that_of_the_mixture_whatever_else_is_in_the_face(seed, alpha, beta, rest):
    if alpha + beta < 0.1:
        return
    copied, whole = copy_parts(*mixture(seed, alpha, beta, rest))
    assert copied / whole == pytest.approx((beta - alpha) / (beta + alpha), abs=1e-6)


def test_one_photo_as_target_and_reference_has_no_share():
    assert np.isnan(copy_parts(1.0, 1.0, 1.0)).all()


@given(seeds, st.floats(0, 1), st.floats(0, 1), st.floats(0, 3))
def test_a_failure_never_counts_less_than_a_face(seed, alpha, beta, rest):
    if alpha + beta + rest > 0.1:
        assert charged_copy_share(*copy_parts(*mixture(seed, alpha, beta, rest)), LEAST) <= 1


@given(seeds, st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0, 1), st.floats(0, 4))
def test_blurring_a_face_never_lowers_what_it_is_charged(seed, alpha, beta, rest, more):
    sharp = charged_copy_share(*copy_parts(*mixture(seed, alpha, beta, rest)), LEAST)
    blurred = charged_copy_share(*copy_parts(*mixture(seed, alpha, beta, rest + more)), LEAST)
    assert blurred >= sharp - 1e-9


def test_strangers_in_place_of_copies_are_no_gain():
    copies, natural, strangers = (1.0, 1.0), (0.0, 0.7), (0.02, 0.04)
    honest = charged_copy_share(*np.array([copies, natural] * 10).T, LEAST).mean()
    swapped = charged_copy_share(*np.array([strangers, natural] * 10).T, LEAST).mean()
    assert honest == pytest.approx(0.5)
    assert swapped == pytest.approx(honest, abs=0.03)
