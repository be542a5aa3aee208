"""Simulated models: every dial does what it says and nothing else, and their images are made once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
import pytest
from helpers import CHEAP, error_line, idbench, ledger

from idbench import cli
from idbench.api import load_run, score
from idbench.config import load_config
from idbench.errors import ConfigError, RunError
from idbench.generating import ModelProducer
from idbench.generations import Ledger
from idbench.images import decode
from idbench.models.base import Generated, Job
from idbench.models.simulated import (
    PRESETS,
    WIDEST_YAW,
    Dials,
    Scene,
    SimulatedModel,
    imagine,
    open_model,
    parse_dials,
    simulate,
)
from idbench.records import Case
from idbench.run import execute
from idbench.suites import Suite, synthetic
from idbench.synthetic import distance, mix_identities
from idbench.synthetic.plans import CasePlan, plan_cases
from idbench.tables import read_tables

PLANS = plan_cases(300)
GROUPS = [plan for plan in PLANS if len(plan.people) > 1]
ALONE = [plan for plan in PLANS if len(plan.people) == 1]


def scenes(plans: list[CasePlan], **dials: float) -> list[Scene]:
    made = [imagine(plan, Dials.model_validate(dials)) for plan in plans]
    assert all(made)
    return made


def rate_is(found: list[bool], rate: float) -> bool:
    """Within four standard errors of chance."""
    return abs(mean(found) - rate) <= 4 * (rate * (1 - rate) / len(found)) ** 0.5


# dials as text


def test_dials_are_read_from_presets_and_numbers():
    assert parse_dials("copy=0.7, drift=0.2") == Dials(copying=0.7, drift=0.2)
    assert parse_dials("copier") == PRESETS["copier"]
    assert parse_dials("copier,drift=0.3,stream=9") == PRESETS["copier"].model_copy(update={"drift": 0.3, "stream": 9})
    assert all(parse_dials(preset.spec) == preset for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("copi=0.7", "did you mean 'copy'?"),
        ("wobble=1", "known: copy, drift"),
        ("drift=0.3,good", "a preset comes first and every dial once, 'good' does not"),
        ("good,copier", "a preset comes first and every dial once, 'copier' does not"),
        ("drift=0.3,drift=0.4", "every dial once, 'drift' does not"),
        ("copy=1.2", "copy: Input should be less than or equal to 1"),
        ("fail=-0.1", "fail: Input should be greater"),
        ("pose=60", "pose: Input should be less than or equal to 35"),
        ("drift=much", "drift: Input should be a valid number"),
        ("drift=nan", "drift"),
        ("copyer", "did you mean 'copier'?"),
        ("", "known: good"),
    ],
)
def test_what_is_no_dial_is_refused_in_one_line(spec: str, expected: str):
    with pytest.raises(ConfigError) as refused:
        parse_dials(spec)
    assert expected in str(refused.value) and "\n" not in str(refused.value)


def test_presets_have_random_numbers_of_their_own():
    assert len({preset.stream for preset in PRESETS.values()}) == len(PRESETS)


# dials one by one


def test_without_any_dial_the_people_are_as_the_prompt_says():
    for plan, scene in zip(PLANS, scenes(PLANS), strict=True):
        assert scene.shown == tuple(range(len(plan.people)))
        for person, sitter in zip(plan.people, scene.sitters, strict=True):
            assert (sitter.identity, sitter.place) == (person.identity, person.place)
            style, wanted = sitter.appearance.style, person.description.style
            assert (style.hair, style.glasses, style.hat, style.clothes, style.beard) == (
                (wanted.hair, wanted.glasses, wanted.hat, wanted.clothes, wanted.beard)
            )
            assert sitter.appearance != person.appearance
        assert len({sitter.appearance.light for sitter in scene.sitters}) == 1
        assert scene.background != plan.background and scene.camera != plan.camera


def test_copy_moves_the_look_to_the_first_reference_and_leaves_the_face_alone():
    free, half, whole = (scenes(PLANS, copy=share) for share in (0, 0.5, 1))
    for plan, a, b, c in zip(PLANS, free, half, whole, strict=True):
        for i, person in enumerate(plan.people):
            reference = person.references[0].appearance
            assert c.sitters[i].appearance == reference
            for part, name in (("pose", "yaw"), ("expression", "smile"), ("light", "azimuth")):
                ends = [getattr(getattr(s.sitters[i].appearance, part), name) for s in (a, b, c)]
                assert ends[1] == pytest.approx((ends[0] + ends[2]) / 2)
            assert a.sitters[i].identity == b.sitters[i].identity == c.sitters[i].identity == person.identity
        assert a.background == b.background == c.background != plan.people[0].references[0].background


def test_copied_haircuts_come_as_often_as_copy_says():
    taken = []
    for plan, scene in zip(PLANS, scenes(PLANS, copy=0.3), strict=True):
        for person, sitter in zip(plan.people, scene.sitters, strict=True):
            own, reference = person.description.style.clothes, person.references[0].appearance.style
            if person.description.style.hair != reference.hair:
                taken.append(sitter.appearance.style.hair == reference.hair)
            assert sitter.appearance.style.clothes == pytest.approx(
                [0.7 * a + 0.3 * b for a, b in zip(own, reference.clothes, strict=True)]
            )
    assert len(taken) > 30 and rate_is(taken, 0.3)


def test_drift_leads_to_a_stranger_of_the_same_sex():
    away = {share: scenes(PLANS, drift=share) for share in (0.25, 0.5, 1)}
    gone = []
    for number, plan in enumerate(PLANS):
        for i, person in enumerate(plan.people):
            quarter, half, stranger = (away[share][number].sitters[i].identity for share in (0.25, 0.5, 1))
            assert half == mix_identities(person.identity, stranger, 0.5)
            assert 0 < distance(person.identity, quarter) < distance(person.identity, half)
            assert stranger.is_woman == person.identity.is_woman
            gone.append(distance(person.identity, stranger))
        strangers = {sitter.identity for sitter in away[1][number].sitters}
        assert len(strangers) == len(plan.people)
    everybody = list({person.label: person.identity for plan in PLANS for person in plan.people}.values())
    unrelated = [distance(a, b) for a, b in zip(everybody, everybody[50:], strict=False) if a.is_woman == b.is_woman]
    assert mean(gone) == pytest.approx(mean(unrelated), rel=0.05)


def test_blend_leads_to_the_mean_of_the_others():
    for plan, scene in zip(GROUPS, scenes(GROUPS, blend=1), strict=True):
        people = [person.identity for person in plan.people]
        for i, sitter in enumerate(scene.sitters):
            others = [other for j, other in enumerate(people) if j != i]
            assert sitter.identity.nose_width == pytest.approx(mean(other.nose_width for other in others))
            assert sitter.identity.skin_tone == pytest.approx(mean(other.skin_tone for other in others))
    for plan, scene in zip(GROUPS, scenes(GROUPS, blend=0.4), strict=True):
        first, others = plan.people[0].identity, [person.identity for person in plan.people[1:]]
        expected = 0.6 * first.jaw_width + 0.4 * mean(other.jaw_width for other in others)
        assert scene.sitters[0].identity.jaw_width == pytest.approx(expected)
    assert scenes(ALONE, blend=1) == scenes(ALONE)


def test_failures_come_at_their_rate_and_more_of_them_include_the_fewer():
    rates = (0.1, 0.3, 0.7)
    failed = {rate: [imagine(plan, Dials(fail=rate)) is None for plan in PLANS] for rate in rates}
    assert all(rate_is(failed[rate], rate) for rate in rates)
    for fewer, more in ((0.1, 0.3), (0.3, 0.7)):
        assert all(b for a, b in zip(failed[fewer], failed[more], strict=True) if a)
    assert not any(imagine(plan, Dials(fail=0)) is None for plan in PLANS)
    assert all(simulate(plan, Dials(fail=1)).picture is None for plan in PLANS[:3])
    assert simulate(PLANS[0], Dials(fail=1)).error


def test_swapped_people_stand_in_each_others_places():
    swapped = []
    for plan, scene in zip(GROUPS, scenes(GROUPS, swap=0.4), strict=True):
        assert sorted(scene.shown) == list(range(len(plan.people)))
        assert [sitter.place for sitter in scene.sitters] == [person.place for person in plan.people]
        assert [sitter.identity for sitter in scene.sitters] == [plan.people[i].identity for i in scene.shown]
        moved = sum(i != shown for i, shown in enumerate(scene.shown))
        assert moved in (0, 2)
        swapped.append(moved == 2)
    assert rate_is(swapped, 0.4)
    assert all(scene.shown == (0,) for scene in scenes(ALONE, swap=1))


def test_lost_people_are_missing_one_at_a_time():
    lost = []
    for plan, scene in zip(PLANS, scenes(PLANS, lose=0.3), strict=True):
        lost.append(len(scene.sitters) == len(plan.people) - 1)
        assert len(plan.people) - len(scene.sitters) in (0, 1)
        places = [plan.people[i].place for i in scene.shown]
        assert [sitter.place for sitter in scene.sitters] == places
    assert rate_is(lost, 0.3)
    first = [scene.shown[:1] != (0,) for scene in scenes(GROUPS, lose=1)]
    assert 0.2 < mean(first) < 0.6


def test_an_extra_person_stands_in_the_background_and_is_nobody_of_the_case():
    extra = []
    for plan, scene in zip(PLANS, scenes(PLANS, extra=0.3), strict=True):
        extra.append(None in scene.shown)
        if None in scene.shown:
            assert scene.shown == (None, *range(len(plan.people)))
            assert scene.sitters[0].place.head < min(person.place.head for person in plan.people) * 0.75
            assert min(distance(scene.sitters[0].identity, person.identity) for person in plan.people) > 0.7
    assert rate_is(extra, 0.3)


@pytest.mark.parametrize("degrees", [5, 20, 35])
def test_pose_turns_every_head_by_so_much_to_either_side(degrees: float):
    turns = []
    for straight, turned in zip(scenes(PLANS), scenes(PLANS, pose=degrees), strict=True):
        for a, b in zip(straight.sitters, turned.sitters, strict=True):
            turns.append(b.appearance.pose.yaw - a.appearance.pose.yaw)
            assert abs(b.appearance.pose.yaw) <= WIDEST_YAW
            levelled = b.appearance.pose.model_copy(update={"yaw": a.appearance.pose.yaw})
            assert b.appearance.model_copy(update={"pose": levelled}) == a.appearance
    assert np.abs(turns) == pytest.approx(degrees)
    assert 0.3 < mean(turn > 0 for turn in turns) < 0.7


def test_turning_one_dial_leaves_every_other_decision_as_it_was():
    """What comes out of all dials together is what each alone would have decided."""
    together = {"copy": 0.4, "drift": 0.3, "blend": 0.2, "swap": 0.5, "extra": 0.5, "lose": 0.5, "pose": 9, "stream": 3}
    all_scenes = scenes(GROUPS[:50], **together)
    for dial in ("copy", "drift", "blend", "pose"):
        without = scenes(GROUPS[:50], **{name: value for name, value in together.items() if name != dial})
        for one, other in zip(all_scenes, without, strict=True):
            assert (one.shown, one.background, one.camera) == (other.shown, other.background, other.camera)
            assert [s.place for s in one.sitters] == [s.place for s in other.sitters]
            assert one.sitters != other.sitters
            if dial in ("copy", "pose"):
                assert [s.identity for s in one.sitters] == [s.identity for s in other.sitters]
            elif None not in one.shown:
                assert [s.appearance for s in one.sitters] == [s.appearance for s in other.sitters]
    for dial in ("swap", "extra", "lose"):
        without = scenes(GROUPS[:50], **{name: value for name, value in together.items() if name != dial})
        for one, other in zip(all_scenes, without, strict=True):
            faces, others = (
                {shown: (s.identity, s.appearance) for shown, s in zip(scene.shown, scene.sitters, strict=True)}
                for scene in (one, other)
            )
            assert all(faces[who] == others[who] for who in faces.keys() & others.keys())


def test_streams_and_seeds_give_other_images_of_the_same_people():
    for plan in PLANS[:20]:
        images = [imagine(plan, Dials(stream=stream), seed) for stream in (0, 1) for seed in (0, 1)]
        assert len({image.sitters[0].appearance for image in images}) == 4
        assert len({image.sitters[0].identity for image in images}) == 1


# what is drawn


@pytest.mark.parametrize("plan", PLANS[:6:5], ids=lambda plan: plan.id)
def test_the_faces_of_the_picture_are_those_that_are_said_to_be_shown(plan: CasePlan):
    for dials in (Dials(), Dials(swap=1), Dials(lose=1), Dials(extra=1)):
        made = simulate(plan, dials)
        again = simulate(plan, dials)
        np.testing.assert_array_equal(made.picture.pixels, again.picture.pixels)
        scene = imagine(plan, dials)
        assert made.shown == again.shown == scene.shown
        assert len(made.picture.faces) == len(made.shown) == len(plan.people) + dials.extra - dials.lose
        for sitter, face in zip(scene.sitters, made.picture.faces, strict=True):
            x = (face.box[0] + face.box[2]) / 2 / plan.width
            assert abs(x - sitter.place.x) < 0.06
            assert face.pose == sitter.appearance.pose and face.visible > 0.9


# models in a run


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Iterator[Suite]:
    """Four synthetic cases of 1, 2, 1 and 3 people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthetic.SIZES, "small", 4)
        folder = tmp_path_factory.mktemp("simulated") / "suite"
        opened = synthetic.open_suite(folder=folder)
        assert len(list(opened.cases())) == 4
        yield opened


class Flat:
    """One colour per seed; fails where it is told to, and counts how often it is asked."""

    def __init__(self, colour: int = 9, fails: str = "", name: str = "flat") -> None:
        self.name, self.card, self.parameters = name, None, {}
        self.isolated = self.needs_truth = False
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
    producer = ModelProducer(model, range(seeds), run / "images", Ledger(run / "generations.jsonl"))
    producer.make(suite, lambda *_: None)
    given = [one for case in suite.cases() for one in producer.produce(case)]
    return {
        (one.case, one.seed): decode(one.image.read()).mean() if one.image else (one.outcome, one.error)
        for one in given
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
from idbench.generating import ModelProducer
from idbench.generations import Ledger
from idbench.models.simulated import open_model
from idbench.suites import synthetic
synthetic.SIZES["small"] = 4
suite, run = synthetic.open_suite(folder=Path(sys.argv[1])), Path(sys.argv[2])
model, ledger = open_model("sim", "fail=0.3", {}), Ledger(run / "generations.jsonl")
ModelProducer(model, range(3), run / "images", ledger).make(suite, print)
"""


def test_killed_while_generating_it_goes_on_where_it_was(suite: Suite, tmp_path: Path):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir(), other.mkdir()
    child = subprocess.Popen([sys.executable, "-c", MAKE, suite.source, str(run)], stdout=subprocess.DEVNULL)
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


# the command


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"models": ["sim:goood"]}, "did you mean 'good'?"),
        ({"models": ["sym:good"]}, "did you mean 'sim'?"),
        ({"models": ["sim:good", "sim:good"]}, "two models are called 'good'"),
        ({"models": ["a=sim:good"], "images": {"a": "."}}, "two models are called 'a'"),
        ({"models": ["oracle-x=sim:good"]}, "oracle- are taken"),
        ({"models": ["../x=sim:good"]}, "cannot be a model name"),
        ({"models": ["images:outputs"]}, "--images outputs=outputs"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_models_that_cannot_be_opened(flags, expected, tmp_path: Path):
    with pytest.raises(Exception, match=expected) as refused:
        execute(load_config(None, CHEAP | {"out": str(tmp_path / "run"), "recognizers": ["onnx:x"]} | flags))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"models": ["sim:good"], "recognizers": ["onnx:x"]}, "synthetic suite only"),
        ({"recognizers": ["mini"]}, "--allow-mini"),
        ({"recognizers": ["my=mini"]}, "--allow-mini"),
        ({"recognizers": ["onnx:x"], "detector": "mini"}, "--allow-mini"),
        ({"models": ["sim:good"], "recognizers": ["mini"], "allow_mini": True}, "synthetic suite only"),
        ({}, "no recognizer given"),
    ],
)
def test_simulated_models_and_mini_are_refused_for_other_suites(suite: Suite, tmp_path: Path, flags, expected: str):
    photos = shutil.copytree(suite.source, tmp_path / "photos")
    with pytest.raises(ConfigError, match=expected) as refused:
        execute(load_config(None, {"suite": str(photos), "out": str(tmp_path / "run")} | flags))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_an_audit_refuses_mini_for_other_suites(suite: Suite):
    assert "--allow-mini" in error_line(idbench("suites", "audit", suite.source, "--recognizer", "mini"))


@pytest.fixture(scope="module")
def run(suite: Suite, packs: Path, tmp_path_factory) -> Path:
    """The presets on the four cases, judged by a real network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("run") / "run"
        flags = CHEAP | {"recognizers": [f"insightface:{packs / 'mini-a'}"], "out": str(out), "gallery": 4}
        return execute(load_config(None, flags), warn=lambda line: None)


@pytest.mark.slow
def test_without_models_the_presets_are_scored_beside_the_oracles(run: Path):
    _, images, people = read_tables(run)
    assert set(images["model"]) == {*PRESETS, *(m for m in images["model"] if m.startswith("oracle-"))}
    assert (images.groupby("model").size() == 4).all()
    assert people["sim_tr"].notna().all()
    record = json.loads((run / "run.json").read_text())
    assert record["config"]["models"] == [f"sim:{name}" for name in PRESETS]
    assert record["suite"]["rendered"] is True
    for name, preset in PRESETS.items():
        assert record["models"][name]["dials"] == preset.model_dump(by_alias=True)
    made = images[images["model"].isin(PRESETS)]
    assert made["seconds"].notna().all()
    whole = [name for name, preset in PRESETS.items() if not preset.lose]  # who is lost alone leaves an empty room
    assert made[(made["outcome"] == "generated") & made["model"].isin(whole)]["faces_found"].ge(1).all()


@pytest.mark.slow
def test_a_real_judge_sees_what_was_dialled_in(run: Path):
    models = json.loads((run / "summary.json").read_text())["recognizers"]["mini-a"]["strict"]["models"]

    def best(metric: str) -> str:
        return max(PRESETS, key=lambda name: models[name][metric]["mean"])

    assert best("copy_paste") == best("sim_ref") == "copier"
    assert models["drifter"]["sim_gt"]["mean"] < models["good"]["sim_gt"]["mean"] - 0.05
    assert models["blender"]["sim_gt"]["mean"] < models["good"]["sim_gt"]["mean"]


@pytest.mark.slow
def test_idbench_run_needs_no_arguments(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.setitem(synthetic.SIZES, "small", 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["idbench", "run"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    assert said.out.splitlines()[-1] == "runs/latest/report.html"
    assert "simulated models are scored (good, copier" in said.err and "mini judges" in said.err
    record = json.loads((tmp_path / "runs/latest/run.json").read_text())
    assert (record["detector"]["kind"], record["recognizers"]["mini"]["kind"]) == ("mini", "mini")
    assert record["suite"]["name"] == "synthetic:small" and set(PRESETS) < set(record["models"])
    assert "mini was trained on rendered faces only" in (tmp_path / "runs/latest/report.html").read_text()
    with pytest.warns(UserWarning, match="mini judges"):
        again = score(out="again", **CHEAP)
    pd.testing.assert_frame_equal(again.scores(), load_run("runs/latest").scores())


@pytest.mark.slow
def test_mini_judges_photos_where_a_user_insists(suite: Suite, tmp_path: Path):
    photos = shutil.copytree(suite.source, tmp_path / "photos")
    flags = CHEAP | {"suite": str(photos), "out": str(tmp_path / "run"), "recognizers": ["mini"], "allow_mini": True}
    done = execute(load_config(None, flags), warn=lambda line: None)
    assert "says nothing about photos of people" in (done / "report.html").read_text()


def test_suites_of_other_people_have_other_luck():
    first, second = ([imagine(plan, Dials(fail=0.5)) is None for plan in plan_cases(60, seed)] for seed in (0, 3))
    assert first != second


def test_images_without_a_suite_are_not_scored_on_strangers(tmp_path):
    with pytest.raises(ConfigError, match="no suite given for these images"):
        load_config(None, {"images": {"mine": str(tmp_path)}})
    assert load_config(None, {}).suite == "synthetic"


def test_a_calibration_is_not_overwritten(tmp_path):
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(RunError, match="holds a calibration"):
        execute(load_config(None, {"out": str(tmp_path)}), lambda *_: None, lambda _: None)
