"""What a user types: models, changes, sizes and sweeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from idbench.errors import ConfigError, UnknownNameError
from idbench.models.specs import MAX_VALUES, parse_model, plan_models
from idbench.records.run import SweepValue


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("withanyone", ("withanyone", "withanyone", "")),
        ("mine=withanyone", ("mine", "withanyone", "")),
        ("sim:copy=0.7", ("copy=0.7", "sim", "copy=0.7")),
        ("c=sim:copy=0.7", ("c", "sim", "copy=0.7")),
        ("my/model", ("model", "my/model", "")),
        ("a=my/model", ("a", "my/model", "")),
    ],
)
def test_specs(spec: str, expected: tuple[str, str, str]):
    assert parse_model(spec) == expected


def test_changes_sizes_and_sweeps_meet_the_model_they_name(folder: Path):
    specs = [str(folder), f"b.2={folder}", "s=sim:good"]
    planned = plan_models(
        specs, ["mine.steps=9", "b.2.steps=8", "s.drift=0.5"], ["b.2.guidance=1:2:0.5", "s.copy=0,0.1"], (640, 480)
    )
    size = {"width": "640", "height": "480"}
    assert {spec.name: spec.given for spec in planned} == {
        "mine": size | {"steps": "9"},
        "b.2@guidance=1": size | {"steps": "8", "guidance": "1"},
        "b.2@guidance=1.5": size | {"steps": "8", "guidance": "1.5"},
        "b.2@guidance=2": size | {"steps": "8", "guidance": "2"},
        "s@copy=0": {"drift": "0.5", "copy": "0"},
        "s@copy=0.1": {"drift": "0.5", "copy": "0.1"},
    }
    assert planned[2].sweep.record() == SweepValue(of="b.2", parameter="guidance", value=1.5)
    assert planned[0].open().parameters["steps"] == 9 and planned[-1].open().parameters["copy"] == 0.1


def test_a_range_is_free_of_rounding_and_holds_its_end():
    values = [spec.sweep.value for spec in plan_models(["s=sim:good"], (), ["s.copy=0:1:0.2"])]
    assert values == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert len(plan_models(["s=sim:good"], (), ["s.stream=10:2:-2"])) == 5


@pytest.mark.parametrize(
    ("models", "changes", "sweeps", "expected"),
    [
        (["flux1-devv"], [], [], "did you mean 'flux1-dev'"),
        (["good"], [], [], "did you mean 'sim:good'"),
        (["s=sim:good"], ["t.drift=1"], [], "this run has s"),
        ([], ["t.drift=1"], [], "no --model"),
        (["s=sim:good"], ["s.drift"], [], "expected s.KEY=VALUE"),
        (["s=sim:good"], [], ["s.drift=0:1:0"], "no step of 0 leads"),
        (["s=sim:good"], [], ["s.drift=0:1:-1"], "no step of -1"),
        (["s=sim:good"], [], ["s.drift=0:1:x"], "in numbers"),
        (["s=sim:good"], [], ["s.drift=1"], "2 to"),
        (["s=sim:good"], [], ["s.drift=1,1"], "different values"),
        (["s=sim:good"], [], ["s.drift=0:1:1e-9"], f"2 to {MAX_VALUES}"),
        (["s=sim:good"], [], ["s.drift=0,1", "s.copy=0,1"], "one parameter at a time"),
    ],
)
def test_what_fits_nothing_is_one_line(models, changes, sweeps, expected):
    with pytest.raises((ConfigError, UnknownNameError), match=expected) as refused:
        plan_models(models, changes, sweeps)
    assert "\n" not in str(refused.value)
