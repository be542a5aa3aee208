"""A process of a model: it starts, answers within its time or is ended, and is given up when it only fails."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

import psutil
import pytest
from support.raw_worker import MADE, PNG, outcomes, run, script

from idbench.models.launch import LaunchSpec


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("time.sleep(60)\n", "time limit"),
        ("while True: print('noise')\n", "time limit"),
        ("os._exit(3)\n", "exit code 3"),
        ("os.close(1); time.sleep(60)\n", "closed its output"),
        ("say(type='outcome', id=99, outcome='generated')\n", "invalid message"),
        ("say(type='outcome', id=[], outcome='generated')\n", "invalid message"),
        ("say(type='outcome', id=job['id'], outcome='great')\n", "invalid message"),
        ("x = bytearray(1 << 50)\n", "MemoryError"),
        ("raise RuntimeError('a wire came off')\n", "a wire came off"),
    ],
)
def test_a_bad_job_has_an_outcome_and_the_next_are_made(tmp_path: Path, body: str, reason: str):
    bad = f"if job['seed'] == 1:\n{textwrap.indent(body, '    ')}else:\n{textwrap.indent(MADE, '    ')}"
    answers = run(script(tmp_path, bad), tmp_path, count=4, seconds=2)
    assert outcomes(answers) == "gfgg"
    assert reason in answers["c1"].error and "\n" not in answers["c1"].error


def test_a_worker_that_only_dies_is_given_up(tmp_path: Path):
    count = "open(os.path.join(os.path.dirname(__file__), 'starts'), 'a').write('x')\n"
    launch = script(tmp_path, "os._exit(1)\n")
    (tmp_path / "worker.py").write_text(PNG + "import os\n" + count + (tmp_path / "worker.py").read_text())
    answers = run(launch, tmp_path, count=8)
    assert outcomes(answers) == "f" * 8 and len((tmp_path / "starts").read_text()) == 5
    assert [answers[f"c{i}"].retryable for i in range(8)] == [None] * 2 + [True] * 6


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("sys.exit('no CUDA here')\n", "no CUDA here"),
        ("say(type='failed', error='weights are\\nbroken')\n", "weights are broken"),
        ("say(type='ready', protocol=7)\ntime.sleep(9)\n", "its protocol is 7, expected the number 1"),
        ("say(type='ready', protocol='1')\ntime.sleep(9)\n", 'its protocol is "1", expected the number 1'),
        ("say(type='outcome', id=0, outcome='generated')\ntime.sleep(9)\n", "it began with 'outcome'"),
    ],
)
def test_a_worker_that_does_not_start_fails_its_jobs_for_now(tmp_path: Path, start: str, reason: str):
    answers = run(script(tmp_path, start, ready=False), tmp_path)
    assert outcomes(answers) == "fff"
    assert all(reply.retryable and reason in reply.error for reply in answers.values())


def test_a_program_that_is_not_there_fails_its_jobs_for_now(tmp_path: Path):
    answers = run(LaunchSpec({"name": "w"}, ("/no/such/python", "x"), tmp_path), tmp_path)
    assert outcomes(answers) == "fff" and "No such file" in answers["c0"].error


@pytest.mark.parametrize("talk", ["loaded", "ready", "loading"])
def test_talking_gains_no_time(tmp_path: Path, monkeypatch, talk: str):
    monkeypatch.setattr("idbench.generate.process.LOAD_LIMIT", 3.0)
    began = time.monotonic()
    answers = run(script(tmp_path, f"while True: say(type={talk!r}); time.sleep(0.1)\n"), tmp_path, count=1, seconds=1)
    assert outcomes(answers) == "f" and time.monotonic() - began < 30


def test_what_left_the_process_group_is_ended_too(tmp_path: Path):
    body = "import subprocess; subprocess.Popen(['sleep', '598'], process_group=0)\n" + MADE
    assert outcomes(run(script(tmp_path, body), tmp_path, count=1)) == "g"
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "598"]]


def test_loading_again_has_time_of_its_own(tmp_path: Path):
    slow = "say(type='loading'); time.sleep(3); say(type='loaded')\n"
    assert outcomes(run(script(tmp_path, slow + MADE), tmp_path, count=1, seconds=2)) == "g"


@pytest.mark.parametrize("how", ["os._exit(3)", "print('gone', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"])
def test_a_worker_that_dies_while_a_child_of_it_holds_its_pipes_is_noticed_at_once(tmp_path: Path, how: str):
    body = f"import subprocess\nsubprocess.Popen(['sleep', '597'])\nif job['seed'] == 1: {how}\n" + MADE
    began = time.monotonic()
    answers = run(script(tmp_path, body), tmp_path, count=3, seconds=100)
    assert outcomes(answers) == "gfg" and time.monotonic() - began < 20
    assert answers["c1"].error.startswith("the model's process ended (" + ("exit code 3" if "3" in how else "SIGKILL"))
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "597"]]


def test_what_a_worker_said_before_it_died_counts(tmp_path: Path):
    """The last answer of a worker that ends with it, while a child of it writes on into the same pipe."""
    talk = "import subprocess\nsubprocess.Popen([sys.executable, '-c', 'while True: print(1, flush=True)'])\n"
    answers = run(script(tmp_path, talk + MADE + "os._exit(0)\n"), tmp_path, count=2, seconds=100)
    assert outcomes(answers) == "gg"


def test_a_worker_that_died_between_jobs_is_noticed_when_the_next_is_given(tmp_path: Path):
    """A child of it holds the pipe that the jobs go into, and does not read."""
    body = "import subprocess\nsubprocess.Popen(['sleep', '596'])\n" + MADE + "time.sleep(0.1)\nos._exit(0)\n"
    began = time.monotonic()
    answers = run(script(tmp_path, body), tmp_path, count=3, seconds=100, prompts={1: "long " * 100_000})
    assert outcomes(answers) == "ggg" and time.monotonic() - began < 20
