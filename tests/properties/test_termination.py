"""SIGTERM and SIGHUP end a run as Ctrl-C does: one line, its own exit code, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.images import encoded, noise
from support.runs import COMMAND
from support.suites import write_manifest

from idbench.generate.handover import WORKPLACE, workplace

MODEL = """
import sys, json, time, subprocess
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(json.dumps({"type": "ready", "protocol": 1}), flush=True)
time.sleep(300)
"""
CARD = """
name = "sleeper"
kind = "worker"
title = "Sleeper"
summary = "Never answers."
source = {}
licence = {code = "none", weights = "none"}
[worker]
script = "worker.py"
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    folder = tmp_path / "sleeper"
    folder.mkdir()
    (folder / "worker.py").write_text(MODEL)
    (folder / "card.toml").write_text(CARD)
    return folder


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """One case of noise: the model is never answered for, so nothing is scored."""
    root = tmp_path / "suite"
    for name in ("target", "reference"):
        (root / "a").mkdir(parents=True, exist_ok=True)
        (root / "a" / f"{name}.png").write_bytes(encoded(noise(64, 64), "PNG"))
    row = {"id": "a", "prompt": "p", "target": "a/target.png", "people": [{"references": ["a/reference.png"]}]}
    return write_manifest(root, [row])


def start_run(suite: Path, sleeper: Path, out: Path) -> subprocess.Popen[str]:
    options = ["--model", str(sleeper), "--no-oracles", "--resamples", "100", "--gallery", "0", "--out", str(out)]
    return subprocess.Popen(
        [*COMMAND, "run", "--suite", str(suite), "--recognizer", "mini", "--allow-mini", *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"IDBENCH_CACHE": str(out.parent / "cache")},
    )


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [c for c in psutil.Process(process.pid).children(recursive=True) if c.status() != psutil.STATUS_ZOMBIE]


def workers_once_begun(process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """Its processes, as soon as there are so many."""
    ends = time.monotonic() + 180
    while len(children := workers_of(process)) < count:
        assert time.monotonic() < ends and process.poll() is None
        time.sleep(0.05)
    return children


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_run_and_everything_it_started(
    suite: Path, sleeper: Path, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "run"
    process = start_run(suite, sleeper, out)
    children = workers_once_begun(process, 2)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    last = stderr.strip().splitlines()[-1]
    said = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    assert last == f"idbench: {said}; the same command goes on where this one stopped"
    assert "Traceback" not in stderr
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not (out / ".work").exists() and not list(out.rglob("*.tmp"))


DETACHED = """
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(301)"], start_new_session=True)
"""


@pytest.mark.slow
def test_what_a_killed_run_started_ends_with_the_next(suite: Path, sleeper: Path, tmp_path: Path):
    """A worker that reads no stdin does not notice that its run is gone, nor does what it started elsewhere."""
    script = sleeper / "worker.py"
    script.write_text(script.read_text().replace("print(", f"{DETACHED}print(", 1))
    out = tmp_path / "run"
    process = start_run(suite, sleeper, out)
    children = workers_once_begun(process, 3)
    process.kill()
    process.communicate()
    bystander = subprocess.Popen(["sleep", "60"], env=os.environ | {WORKPLACE: str(tmp_path)})
    try:
        assert all(child.is_running() for child in children)
        with workplace(out / ".work" / "processes"):
            assert not psutil.wait_procs(children, timeout=10)[1]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.1, 0.25, 0.4, 0.7, 1.0, 1.4, 1.8, 2.2])
def test_ctrl_c_while_packages_are_imported_is_quiet(tmp_path: Path, delay: float):
    """At any moment after Python itself has begun: no traceback, no error that an interrupted import was turned into."""
    begin = "print('begun', flush=True)\nfrom idbench.__main__ import main\nmain()"
    command = [sys.executable, "-c", begin, "run", "--quiet", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    try:
        _, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    lines = [line for line in stderr.splitlines() if not line.startswith("idbench: note: ")]
    assert process.returncode == 130
    assert lines in ([], ["idbench: interrupted; the same command goes on where this one stopped"])


@pytest.mark.parametrize("turned_into", ["raise ImportError('numpy')", "pass"])
def test_an_interruption_that_a_package_makes_another_error_of_or_loses(tmp_path: Path, turned_into: str):
    script = (
        "import os, signal, sys\n"
        "sys.argv = ['idbench', 'doctor']\n"
        "from idbench import cli\n"
        "from idbench.cli.output import progress\n"
        "def app(standalone_mode):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        f"    except KeyboardInterrupt:\n        {turned_into}\n"
        "    with progress(True) as callback:\n"
        "        callback('images', 0, 1)\n"
        "cli.app = app\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (
        130,
        "idbench: interrupted; the same command goes on where this one stopped\n",
    )
