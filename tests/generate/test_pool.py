"""Models in processes of their own: whatever they do, every job gets one outcome and nothing is left running."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from support.raw_worker import MADE, outcomes, script
from support.runs import running_children

from idbench.generate.handover import opaque_case
from idbench.generate.pool import ProcessPool
from idbench.generate.task import Task
from idbench.images import decode
from idbench.models.base import Job
from idbench.models.launch import LaunchSpec
from idbench.models.specs import ModelSpec
from idbench.records import Generation

UNRULY = """
import os, pathlib, sys, time
import numpy as np
from idbench.errors import WeightsError
from idbench.models.base import Generated

class Unruly:
    card, needs_truth = None, False
    def __init__(self, name, location, given):
        self.name, self.location, self.parameters = name, location, dict(given)
    def describe(self): return {"kind": "unruly"}
    def load(self, device, offload="none"):
        print("a chatty library on stdout"); os.write(1, b"and another one, below Python\\n")
        if self.location == "cannot load": raise WeightsError("no weights at /nowhere")
        if self.location == "dies loading": print("CUDA driver is unhappy", file=sys.stderr); os._exit(7)
        if self.location == "second cannot load":
            first = pathlib.Path(self.parameters["marker"])
            try: first.open("x").close()
            except FileExistsError: raise WeightsError("only one of us can")
    def close(self): pass
    def generate(self, jobs):
        done = []
        for job in jobs:
            if job.prompt == "hang": time.sleep(600)
            if job.prompt == "die": print("killed by the prompt", file=sys.stderr); os.kill(os.getpid(), 9)
            if job.prompt == "die once":
                try: pathlib.Path(job.parameters["marker"]).open("x").close(); os._exit(3)
                except FileExistsError: pass
            if job.prompt == "raise": raise ValueError("bad\\nprompt")
            if job.prompt == "slow": time.sleep(0.3)
            if job.prompt == "refuse": done.append(Generated(None, "not allowed")); continue
            if job.prompt == "leave a child": __import__("subprocess").Popen(["sleep", "599"])
            print("working", job.case)
            done.append(Generated(np.full((8, 8, 3), job.seed % 256, np.uint8)))
        return done

def open_model(name, location, given): return Unruly(name, location, given)
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with the model kind `unruly`, found here and in child processes."""
    folder = tmp_path / "plugin"
    info = folder / "unruly-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "unruly.py").write_text(UNRULY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[idbench.models]\nunruly = unruly:open_model\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def tasks(folder: Path, *prompts: str, **parameters: str) -> list[Task]:
    return [
        Task(Job(f"c{i}", prompt, (), seed=i, parameters=parameters), folder / f"c{i}.png")
        for i, prompt in enumerate(prompts)
    ]


def pool_of(spec: ModelSpec, folder: Path, devices=(None,), seconds: float = 20) -> ProcessPool:
    return ProcessPool(
        spec.name, LaunchSpec.of_this_python(spec), devices, "none", seconds, folder / "scratch", folder / "logs"
    )


def run(
    folder: Path, batches: list[list[Task]], location: str = "", seconds: float = 20, size: int = 1, **given: str
) -> dict[str, Generation]:
    """Answers by case; checks that each task has exactly one and that nothing is left running."""
    spec = ModelSpec("unruly", "unruly", location, given)
    before = running_children()
    with pool_of(spec, folder, [None] * size, seconds) as pool:
        answers = [(record.case, record) for record in pool.run(iter(batches))]
    assert sorted(case for case, _ in answers) == sorted(task.job.case for batch in batches for task in batch)
    assert running_children() <= before
    return dict(answers)


def test_images_arrive_with_seconds_and_memory_though_libraries_chat_on_stdout(plugin, tmp_path: Path):
    batch = tasks(tmp_path, "fine", "slow", "fine")
    answers = run(tmp_path, [batch])
    assert outcomes(answers) == "ggg"
    assert all(decode(task.output.read_bytes()).mean() == task.job.seed for task in batch)
    assert all(reply.batch == 3 and reply.seconds >= 0.1 and reply.peak_memory > 1e6 for reply in answers.values())
    log = (tmp_path / "logs" / "unruly-0.log").read_text()
    assert "a chatty library" in log and "below Python" in log and f"working {opaque_case(batch[1].job)}" in log


def test_one_bad_job_of_a_batch_fails_alone(plugin, tmp_path: Path):
    answers = run(tmp_path, [tasks(tmp_path, "fine", "raise", "refuse", "fine")])
    assert outcomes(answers) == "gffg"
    assert answers["c1"].error == "ValueError: bad prompt" and answers["c2"].error == "not allowed"


def test_a_process_that_dies_fails_one_job_and_the_others_are_made(plugin, tmp_path: Path):
    answers = run(tmp_path, [tasks(tmp_path, "fine", "die", "fine")])
    assert outcomes(answers) == "gfg"
    assert answers["c1"].error == "the model's process ended (SIGKILL); it last said: killed by the prompt"


def test_a_process_that_dies_by_bad_luck_fails_nothing(plugin, tmp_path: Path):
    """A batch that took its process down is tried again job by job."""
    answers = run(tmp_path, [tasks(tmp_path, "fine", "die once", marker=str(tmp_path / "marker"))])
    assert outcomes(answers) == "gg"


def test_a_hanging_job_is_ended_by_its_time_limit(plugin, tmp_path: Path):
    began = time.monotonic()
    answers = run(tmp_path, [tasks(tmp_path, "hang", "fine")], seconds=2)
    assert outcomes(answers) == "fg"
    assert "time limit (2 s for an image)" in answers["c0"].error
    assert time.monotonic() - began < 60


def test_a_model_that_only_fails_is_given_up_and_says_so(plugin, tmp_path: Path):
    made = tasks(tmp_path, *["die"] * 6)
    answers = run(tmp_path, [[task] for task in made])
    assert outcomes(answers) == "ffffff"
    assert [answers[f"c{i}"].retryable for i in range(6)] == [None] * 2 + [True] * 4
    assert answers["c5"].error.startswith("given up after 5 failures in a row")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("cannot load", "the model could not be loaded: no weights at /nowhere"),
        (
            "dies loading",
            "the model could not be loaded: the model's process ended (exit code 7); it last said: CUDA driver is unhappy",
        ),
    ],
)
def test_a_model_that_cannot_load_fails_every_job_for_now(plugin, tmp_path: Path, location: str, reason: str):
    answers = run(tmp_path, [[task] for task in tasks(tmp_path, *["fine"] * 3)], location)
    assert outcomes(answers) == "fff"
    assert all(reply.retryable and reply.error == reason for reply in answers.values())


def test_two_processes_share_the_work(plugin, tmp_path: Path):
    answers = run(tmp_path, [[task] for task in tasks(tmp_path, *["slow"] * 8)], size=2)
    assert outcomes(answers) == "g" * 8
    logs = [(tmp_path / "logs" / f"unruly-{i}.log").read_text() for i in (0, 1)]
    assert sum(log.count("working") for log in logs) == 8 and all("working" in log for log in logs)


def test_when_one_of_two_processes_cannot_load_the_other_does_its_work(plugin, tmp_path: Path):
    batches = [[task] for task in tasks(tmp_path, *["slow"] * 6)]
    answers = run(tmp_path, batches, "second cannot load", size=2, marker=str(tmp_path / "marker"))
    assert outcomes(answers) == "g" * 6


def test_what_a_model_started_ends_with_it(plugin, tmp_path: Path):
    run(tmp_path, [tasks(tmp_path, "leave a child")])
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "599"]]


def test_stopping_in_the_middle_leaves_nothing_running(plugin, tmp_path: Path):
    spec = ModelSpec("unruly", "unruly", "")
    batches = [[task] for task in tasks(tmp_path, *["slow"] * 50)]
    pool = pool_of(spec, tmp_path, [None, None])
    before = running_children()
    answers = pool.run(iter(batches))
    next(answers)
    assert running_children() - before
    pool.stop()
    assert running_children() <= before


def test_an_unreadable_source_of_jobs_is_heard(plugin, tmp_path: Path):
    def broken():
        yield tasks(tmp_path, "fine")
        raise OSError("the suite went away")

    with (
        pytest.raises(OSError, match="the suite went away"),
        pool_of(ModelSpec("unruly", "unruly", ""), tmp_path) as pool,
    ):
        list(pool.run(broken()))


def test_jobs_of_a_process_that_is_given_up_go_to_one_that_had_no_more(tmp_path: Path):
    """One of two processes cannot work, and the other is long done when that is known."""
    body = f"if os.environ['CUDA_VISIBLE_DEVICES'] == '1': time.sleep(1); os._exit(1)\n{MADE}"
    launch = script(tmp_path, body)
    tasks = [Task(Job(f"c{i}", "", (), i), tmp_path / "out" / f"c{i}.png") for i in range(4)]
    with ProcessPool("w", launch, ["0", "1"], "none", 10, tmp_path / "scratch", tmp_path / "logs") as pool:
        answers = {record.case: record for record in pool.run(iter([[task] for task in tasks]))}
    assert len(answers) == 4 and not any(reply.retryable for reply in answers.values())
