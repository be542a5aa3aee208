"""Verdicts on numbers that must pass and must fail."""

from __future__ import annotations

import pytest
from support.curves import curve

from idbench.calibrate.verdicts import covers, falls, nominal, rate_of, rises, steady, unmoved


def test_a_metric_that_follows_its_dial_passes_in_that_direction_only():
    up = curve(-0.4, -0.1, 0.0, 0.2, 0.3, 0.9)
    assert rises(up).passed and rises(up).number == pytest.approx(1)
    assert not falls(up).passed
    down = curve(0.9, 0.5, 0.4, 0.1)
    assert falls(down).passed and not rises(down).passed
    assert "From 0.90 to 0.10" in falls(down).found


def test_one_step_against_the_dial_fails_on_short_sweeps():
    verdict = rises(curve(0.0, 0.2, 0.1, 0.4, 0.5, 0.6))
    assert verdict.number == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert not verdict.passed


@pytest.mark.parametrize("verdict", [rises, falls, steady, unmoved])
def test_what_could_not_be_measured_does_not_pass(verdict):
    for lacking in (curve(0.1, None, 0.3), curve(), curve(0.1)):
        found = verdict(lacking)
        assert not found.passed and found.number is None and "could not be measured" in found.found


def test_a_constant_follows_nothing():
    for verdict in (rises, falls):
        assert verdict(curve(0.5, 0.5, 0.5)).number is None and not verdict(curve(0.5, 0.5, 0.5)).passed


def test_plaincounts_the_largest_move_either_way():
    assert steady(curve(0.20, 0.24, 0.16, 0.20)).passed
    fails = steady(curve(0.20, 0.22, 0.14, 0.20))
    assert not fails.passed and fails.number == pytest.approx(0.06)


def test_unmoved_asks_whether_every_interval_holds_the_first_mean():
    assert unmoved(curve(0.5, 0.55, 0.45)).passed
    fails = unmoved(curve(0.5, 0.55, 0.39))
    assert not fails.passed and fails.number == pytest.approx(1.1)
    assert not unmoved(curve(0.5, 0.5, half=None)).passed
    assert unmoved(curve(0.5, 0.5, half=0.0)).passed, "a mean that stays needs no width"
    assert not unmoved(curve(0.5, 0.6, half=0.0)).passed


def test_rates_carry_exact_binomial_intervals_and_are_held_against_the_level():
    rate = rate_of(95, 100)
    assert (rate.low, rate.high) == (pytest.approx(0.8872, abs=1e-4), pytest.approx(0.9836, abs=1e-4))
    assert covers(rate).passed and covers(rate_of(93, 100)).passed
    assert not covers(rate_of(92, 100)).passed and not covers(rate_of(98, 100)).passed
    assert nominal(rate_of(5, 100)).passed
    assert not nominal(rate_of(8, 100)).passed, "more would give ranks to chance"
    assert not nominal(rate_of(2, 100)).passed, "fewer would hide differences"
    assert "more repeats would tell" in nominal(rate_of(2, 100)).found
    assert "more repeats" not in nominal(rate_of(200, 2000)).found
