"""Models in processes of their own: whatever they do, every job gets one outcome and nothing is left running."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers import running_children
from PIL import Image

from idbench.images import EncodedImage, decode
from idbench.models import host, processes
from idbench.models.base import Generated, Job
from idbench.models.host import Host, is_out_of_memory, reason_of
from idbench.models.opening import ModelSpec
from idbench.models.processes import Crew, Launch, Task, gpus
from idbench.models.replies import Reply
from idbench.records import Person

UNRULY = """
import os, pathlib, sys, time
import numpy as np
from idbench.errors import WeightsError
from idbench.models.base import Generated

class Unruly:
    card, isolated, needs_truth = None, True, False
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


def crew_of(spec: ModelSpec, folder: Path, devices=(None,), seconds: float = 20) -> Crew:
    return Crew(spec.name, Launch.of_host(spec), devices, "none", seconds, folder / "scratch", folder / "logs")


def run(
    folder: Path, batches: list[list[Task]], location: str = "", seconds: float = 20, size: int = 1, **given: str
) -> dict[str, Reply]:
    """Answers by case; checks that each task has exactly one and that nothing is left running."""
    spec = ModelSpec("unruly", "unruly", location, given)
    before = running_children()
    with crew_of(spec, folder, [None] * size, seconds) as crew:
        answers = [(task.job.case, reply) for task, reply in crew.run(iter(batches))]
    assert sorted(case for case, _ in answers) == sorted(task.job.case for batch in batches for task in batch)
    assert running_children() <= before
    return dict(answers)


def outcomes(answers: dict[str, Reply]) -> str:
    """One letter per case: g for generated, f for failed."""
    return "".join(answers[case].outcome.removeprefix("generation_")[0] for case in sorted(answers))


def test_images_arrive_with_seconds_and_memory_though_libraries_chat_on_stdout(plugin, tmp_path: Path):
    batch = tasks(tmp_path, "fine", "slow", "fine")
    answers = run(tmp_path, [batch])
    assert outcomes(answers) == "ggg"
    assert all(decode(task.output.read_bytes()).mean() == task.job.seed for task in batch)
    assert all(reply.batch == 3 and reply.seconds >= 0.1 and reply.peak_memory > 1e6 for reply in answers.values())
    log = (tmp_path / "logs" / "unruly-0.log").read_text()
    assert "a chatty library" in log and "below Python" in log and "working c2" in log


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
    assert [answers[f"c{i}"].again for i in range(6)] == [False] * 2 + [True] * 4
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
    assert all(reply.again and reply.error == reason for reply in answers.values())


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
    crew = crew_of(spec, tmp_path, [None, None])
    before = running_children()
    answers = crew.run(iter(batches))
    next(answers)
    assert running_children() - before
    crew.stop()
    assert running_children() <= before


def test_an_unreadable_source_of_jobs_is_heard(plugin, tmp_path: Path):
    def broken():
        yield tasks(tmp_path, "fine")
        raise OSError("the suite went away")

    with (
        pytest.raises(OSError, match="the suite went away"),
        crew_of(ModelSpec("unruly", "unruly", ""), tmp_path) as crew,
    ):
        list(crew.run(broken()))


def test_references_reach_the_model_from_files_and_from_memory(tmp_path: Path):
    pixels = np.full((5, 7, 3), 200, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    people = tuple(
        Person((photo,), box=box)
        for photo, box in (
            (EncodedImage("file", path=tmp_path / "a.png"), (1.0, 2.0, 3.0, 4.5)),
            (EncodedImage("row", data=data), None),
        )
    )
    job = Job("c", "p", people, 3, (640, 480), {"steps": 2})
    launch = Launch.of_host(ModelSpec("m", "k", "l"))
    process = processes.ModelProcess(launch, None, "none", tmp_path / "scratch", tmp_path / "log")
    message = process._message(0, Task(job, tmp_path / "out.png"))
    seen = host.job_from(message)
    assert (seen.prompt, seen.seed, seen.canvas, seen.parameters) == ("p", 3, (640, 480), {"steps": 2})
    assert [person.box for person in seen.people] == [(1.0, 2.0, 3.0, 4.5), None]
    assert all((decode(person.references[0].read()) == 200).all() for person in seen.people)
    assert "identity" not in str(message) and "target" not in str(message)


class Cramped:
    """A model that fits a number of jobs into memory, more of them the more is offloaded."""

    card, isolated, needs_truth = None, True, False

    def __init__(self, fits: dict[str, int], error: Exception) -> None:
        self.name, self.parameters = "cramped", {}
        self.fits, self.error = fits, error
        self.tried: list[tuple[str, int]] = []

    def load(self, device: str, offload: str = "none") -> None:
        self.offload = offload

    def close(self) -> None:
        self.offload = "closed"

    def describe(self):
        return {}

    def generate(self, jobs):
        self.tried.append((self.offload, len(jobs)))
        if len(jobs) > self.fits[self.offload]:
            raise self.error
        return [Generated(np.zeros((4, 4, 3), np.uint8)) for _ in jobs]


OUT_OF_MEMORY = [RuntimeError("CUDA out of memory. Tried to allocate 20 GiB"), MemoryError()]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
@pytest.mark.parametrize(
    ("fits", "device", "tried", "made"),
    [
        ({"none": 8}, "cuda", [("none", 5)], 5),
        ({"none": 2}, "cuda", [("none", 5), ("none", 2), ("none", 2), ("none", 1)], 5),
        (
            {"none": 0, "model": 1},
            "cuda",
            [("none", 5), ("none", 2), ("none", 1)] + [("model", 1)] * 5,
            5,
        ),
        (
            {"none": 0, "model": 0, "sequential": 0},
            "cuda",
            [("none", 5), ("none", 2), ("none", 1), ("model", 1)] + [("sequential", 1)] * 5,
            0,
        ),
        ({"none": 0}, "cpu", [("none", 5), ("none", 2)] + [("none", 1)] * 5, 0),
    ],
)
def test_out_of_memory_halves_the_batch_then_offloads_then_is_recorded(fits, device, tried, made, error, tmp_path):
    said: list[dict] = []
    model = Cramped(fits, error)
    cramped = Host(model, device, "none", said.append)
    cramped.load()
    cramped.answer([host_message(i, tmp_path) for i in range(5)])
    assert model.tried == tried
    answers = [message for message in said if message["type"] == "outcome"]
    assert [answer["id"] for answer in answers] == list(range(5))
    assert sum(answer["outcome"] == "generated" for answer in answers) == made
    assert all("out of memory" in answer["error"] for answer in answers if answer["outcome"] != "generated")


def host_message(number: int, folder: Path) -> dict:
    about = {"case": f"c{number}", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}
    return about | {"id": number, "output": str(folder / f"{number}.png")}


def test_torch_says_that_memory_ran_out_in_ways_that_are_understood():
    torch = pytest.importorskip("torch")
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(RuntimeError("shapes do not fit")) and not is_out_of_memory(ValueError("memory"))


def test_reasons_are_one_short_line():
    assert reason_of(ValueError("a\n b")) == "ValueError: a b"
    assert reason_of(KeyError()) == "KeyError: no message"
    assert len(reason_of(RuntimeError("x" * 1000))) == 300


@pytest.mark.parametrize(
    ("visible", "device", "expected"),
    [
        ("0,2", "auto", ["0", "2"]),
        ("", "auto", []),
        ("-1", "cuda", []),
        ("1", "cpu", []),
        ("GPU-8a", "cuda", ["GPU-8a"]),
    ],
)
def test_gpus_are_those_the_user_allows(monkeypatch, visible, device, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus(device) == expected


def test_gpus_are_counted_by_the_driver(monkeypatch, tmp_path: Path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho 'GPU 1: B (UUID: y)'\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert gpus("auto") == ["0", "1"]
