"""Checks: every claim has a sweep and a place on the page."""

from __future__ import annotations

from idbench.calibrate.checks import CLAIMS
from idbench.calibrate.sections import SECTIONS
from idbench.calibrate.sweeps import SWEEPS


def test_every_claim_has_its_sweep_and_its_place_on_the_page():
    assert {claim.sweep for claim in CLAIMS} <= {sweep.name for sweep in SWEEPS}
    sections = {section.name: section for section in SECTIONS}
    assert {claim.section for claim in CLAIMS} <= set(sections)
    for claim in CLAIMS:
        drawn = {series[:2] for panel in sections[claim.section].panels for series in panel.series}
        assert (claim.sweep, claim.metric) in drawn or claim.metric == "found", claim.says
