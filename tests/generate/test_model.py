"""Which images are made, kept and made anew."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.comparing import ledger
from support.producing import produce

from idbench.errors import ConfigError
from idbench.images import decode
from idbench.models.base import Generated, Job
from idbench.models.simulated import Dials, SimulatedModel, open_model
from idbench.models.specs import OpenedModel, plan_models
from idbench.records import Case
from idbench.suites import Suite


class Flat:
    """One colour per seed; fails where it is told to, and counts how often it is asked."""

    def __init__(self, colour: int = 9, fails: str = "", name: str = "flat") -> None:
        self.name, self.card, self.parameters = name, None, {}
        self.needs_truth = False
        self.colour, self.fails = colour, fails
        self.asked: list[tuple[str, int]] = []
        self.truths: list[object] = []

    def describe(self):
        return {"kind": "flat", "colour": self.colour}

    def load(self, device, offload="none"):
        pass

    def close(self):
        pass

    def generate(self, jobs: Sequence[Job]) -> list[Generated]:
        return [self.paint(job) for job in jobs]

    def paint(self, job: Job) -> Generated:
        self.asked.append((job.case, job.seed))
        self.truths.append(job.truth)
        if job.case == self.fails:
            return Generated(None, "out of paint")
        return Generated(np.full((8, 8, 3), self.colour + job.seed, np.uint8))


def job_of(case: Case, seed: int = 0) -> Job:
    return Job(case.id, case.prompt, case.people, seed, truth=case.truth)


def make(model, suite: Suite, run: Path, seeds: int = 2) -> dict[tuple[str, int], object]:
    """What `model` gives for every case and seed: mean colour, or why there is none."""
    return {
        (one.case, one.seed): decode(image.read()).mean() if image else (one.outcome, one.error)
        for one, image in produce(model, suite, run, range(seeds))
    }


def test_a_model_is_asked_once_for_every_case_and_seed(suite: Suite, tmp_path: Path):
    tmp_path.mkdir(exist_ok=True)
    first, again = Flat(fails="s0003"), Flat(fails="s0003")
    given = make(first, suite, tmp_path)
    cases = [case.id for case in suite.cases()]
    assert sorted(first.asked) == [(case, seed) for case in cases for seed in (0, 1)]
    assert given == {
        (case, seed): ("generation_failed", "out of paint") if case == "s0003" else 9 + seed
        for case, seed in first.asked
    }
    assert make(again, suite, tmp_path) == given and again.asked == []
    lines = ledger(tmp_path)
    assert len(lines) == len(first.asked) and all(line["seconds"] >= 0 for line in lines)
    more = Flat(fails="s0003")
    make(more, suite, tmp_path, seeds=3)
    assert sorted(more.asked) == [(case, 2) for case in cases]


def test_other_parameters_under_the_same_name_reuse_nothing(suite: Suite, tmp_path: Path):
    before = make(Flat(9), suite, tmp_path, seeds=1)
    brighter = Flat(200)
    after = make(brighter, suite, tmp_path, seeds=1)
    assert set(before.values()) == {9} and set(after.values()) == {200} and len(brighter.asked) == 4
    assert set(make(Flat(9), suite, tmp_path, seeds=1).values()) == {9}


def test_images_that_went_are_made_again(suite: Suite, tmp_path: Path):
    given = make(Flat(), suite, tmp_path, seeds=1)
    files = sorted((tmp_path / "images" / "flat").iterdir())
    assert [file.name for file in files] == [f"s000{i}--0.png" for i in (1, 2, 3, 4)]
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:20])
    again = Flat()
    assert make(again, suite, tmp_path, seeds=1) == given
    assert sorted(case for case, _ in again.asked) == ["s0001", "s0002"]


def test_the_truth_is_for_simulated_models_alone(suite: Suite, tmp_path: Path):
    flat = Flat()
    make(flat, suite, tmp_path)
    assert all(truth is None for truth in flat.truths)
    assert all(case.truth is not None for case in suite.cases())
    simulated = open_model("sim", "good", {})
    job = job_of(next(suite.cases()))
    assert simulated.generate([job])[0].pixels is not None
    with pytest.raises(ConfigError, match="synthetic suite only"):
        simulated.generate([replace(job, truth=None)])


def test_a_model_that_raises_stops_and_what_was_made_stays(suite: Suite, tmp_path: Path):
    class Broken(Flat):
        def paint(self, job: Job) -> Generated:
            if job.case == "s0003":
                raise RuntimeError("a wire came off")
            return super().paint(job)

    with pytest.raises(RuntimeError, match="a wire came off"):
        make(Broken(), suite, tmp_path, seeds=1)
    mended = Flat()
    make(mended, suite, tmp_path, seeds=1)
    assert "s0001" not in [case for case, _ in mended.asked] and len(ledger(tmp_path)) == 4


def test_simulated_images_do_not_depend_on_threads_or_on_who_else_is_drawn(suite: Suite, tmp_path: Path):
    cases = list(suite.cases())
    model = SimulatedModel("sim", Dials(drift=0.3))
    given = make(model, suite, tmp_path, seeds=1)
    assert given == {(case.id, 0): model.generate([job_of(case)])[0].pixels.mean() for case in reversed(cases)}


MAKE = """
import sys
from pathlib import Path
from support.producing import produce
from idbench.models.simulated import MODEL
from idbench.suites import synthetic
synthetic.SIZES["small"] = 4
suite, run = synthetic.open_suite(folder=Path(sys.argv[1])), Path(sys.argv[2])
produce(MODEL.open("sim", "fail=0.3", {}), suite, run, range(3))
"""


def test_killed_while_generating_it_goes_on_where_it_was(suite: Suite, tmp_path: Path):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir(), other.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    child = subprocess.Popen([sys.executable, "-c", MAKE, suite.source, str(run)], env=environment)
    ends = time.monotonic() + 60
    while not (run / "generations.jsonl").exists() and child.poll() is None:
        assert time.monotonic() < ends
        time.sleep(0.003)
    child.kill()
    assert child.wait() != 0, "it was to be killed before its end"
    known = [line["path"] for line in ledger(run) if "path" in line]
    before = {path: Path(path).stat().st_mtime_ns for path in known}
    model = open_model("sim", "fail=0.3", {})
    assert make(model, suite, run, seeds=3) == make(model, suite, other, seeds=3)
    assert {path: Path(path).stat().st_mtime_ns for path in known} == before
    assert len({(line["case"], line["seed"]) for line in ledger(run)}) == len(ledger(run)) == 12


@pytest.mark.parametrize(
    ("given", "other", "shared"),
    [
        ({"steps": "3"}, {"steps": "4"}, True),
        ({"batch": "1"}, {"batch": "2"}, True),
        ({"dtype": "float32"}, {"dtype": "bfloat16"}, False),
        ({"weights.base": "/a"}, {"weights.base": "/b"}, False),
        ({"offload": "none"}, {"offload": "model"}, False),
    ],
)
def test_processes_are_shared_only_by_models_that_load_the_same(tmp_path, given, other, shared):
    keys = []
    for one in (given, other):
        (spec,) = plan_models(["flux1-dev"], [f"flux1-dev.{key}={value}" for key, value in one.items()])
        keys.append(OpenedModel(spec, spec.open()).loading)
    assert (keys[0] == keys[1]) == shared


def test_a_card_that_allows_more_people_is_asked_again_for_those_refused(real_suite, tmp_path):
    from types import SimpleNamespace

    from idbench.suites import open_suite

    suite = open_suite(str(real_suite), ("p2",))

    class Flat:
        name, parameters, needs_truth = "flat", {}, False

        def __init__(self, most: int) -> None:
            self.card = SimpleNamespace(max_people=most)

        def describe(self):
            return {}

        def load(self, device, offload="none"): ...

        def close(self): ...

        def generate(self, jobs):
            return [Generated(np.zeros((8, 8, 3), np.uint8)) for _ in jobs]

    def outcomes(most: int) -> set[str]:
        return {one.outcome for one, _ in produce(Flat(most), suite, tmp_path, range(1))}

    assert outcomes(1) == {"generation_failed"}
    assert outcomes(2) == {"generated"}
    assert outcomes(1) == {"generation_failed"}
