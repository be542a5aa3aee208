"""Sweeps: their models, and that a dial changes nothing else."""

from __future__ import annotations

from idbench.calibrate.sweeps import SWEEPS, model_name
from idbench.models.simulated import imagine, parse_dials
from idbench.synthetic.plans import plan_cases


def test_every_sweep_begins_at_nought_and_names_models_the_command_line_knows():
    for sweep in SWEEPS:
        assert sweep.stops[0] == 0 and list(sweep.stops) == sorted(sweep.stops)
        for value, model in zip(sweep.stops, sweep.models, strict=True):
            dials = parse_dials(model).model_dump(by_alias=True)
            wanted = {**sweep.fixed, sweep.dial: value}
            assert {k: v for k, v in dials.items() if v} == {k: v for k, v in wanted.items() if v}
    assert model_name({"drift": 0.2, "copy": 0.5}) == model_name({"copy": 0.5, "drift": 0.2, "pose": 0})


def test_turning_a_dial_changes_nothing_else():
    """Common random numbers: two models of one sweep differ in what the dial says, and in no other draw."""
    plan = next(plan for plan in plan_cases(8) if len(plan.people) > 1)
    still, turned = (imagine(plan, parse_dials(model)) for model in ("drift=0.2", "drift=0.2,pose=10"))
    assert still is not None and turned is not None
    assert still.background == turned.background and still.camera == turned.camera
    for a, b in zip(still.sitters, turned.sitters, strict=True):
        assert a.identity == b.identity and a.place == b.place
        assert a.appearance.pose.yaw != b.appearance.pose.yaw
        assert a.appearance.style == b.appearance.style and a.appearance.expression == b.appearance.expression
