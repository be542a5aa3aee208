"""People who never lived: who they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.people import SEEDS, people

from idbench.synthetic import (
    Appearance,
    Identity,
    distance,
    mix_identities,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
    sample_identities,
    sample_style,
    sibling,
)


def test_measures_are_covered_evenly():
    """A Latin hypercube puts exactly one person into each of n equally likely classes of every measure."""
    tones = np.sort([person.skin_tone for person in people(50)])
    assert np.array_equal(np.floor(tones * 50), np.arange(50))
    assert 24 <= sum(person.is_woman for person in people(50)) <= 26


def test_spread_is_the_difficulty_dial():
    def typical(spread: float) -> float:
        group = people(40, 1, spread)
        return float(np.median([distance(a, b) for a, b in zip(group[::2], group[1::2], strict=True)]))

    assert typical(0.5) < 0.75 * typical(1.0) + 0.25 * typical(1.7) < typical(1.7)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 1))
def test_mixing_moves_in_proportion(seed, weight):
    a, b = people(2, seed)
    mixed = mix_identities(a, b, weight)
    whole = distance(a, b)
    assert distance(a, mixed) == pytest.approx(weight * whole, abs=0.12 * whole)
    assert distance(mixed, b) == pytest.approx((1 - weight) * whole, abs=0.12 * whole)
    assert mix_identities(a, b, 0) == a and mix_identities(a, b, 1) == b


def test_siblings_are_nearer_than_strangers():
    group = people(40, 3)
    for a, b in zip(group[::2], group[1::2], strict=True):
        assert distance(a, sibling(a, b)) < 0.75 * distance(a, b)


def test_the_same_seed_gives_the_same_people_and_looks():
    first, second = (np.random.default_rng(5) for _ in range(2))
    for _ in range(3):
        draws = []
        for rng in (first, second):
            person = sample_identities(1, rng)[0]
            look = sample_appearance(sample_description(person, rng), rng)
            draws.append((person, look, sample_background(rng), sample_camera(rng)))
        assert draws[0] == draws[1]


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_everything_sampled_is_valid_and_survives_json(seed):
    rng = np.random.default_rng(seed)
    person = sample_identities(1, rng)[0]
    description = sample_description(person, rng, sample_style(person, rng))
    look = sample_appearance(description, rng, variation=2.0)
    assert Appearance.model_validate_json(look.model_dump_json()) == look
    assert Identity.model_validate_json(person.model_dump_json()) == person
    assert look.style.beard == "none" or not person.is_woman


def test_a_measure_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError):
        Identity(**(people(1)[0].model_dump() | {"third_eye": 1.0}))
