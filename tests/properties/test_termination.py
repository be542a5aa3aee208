"""SIGTERM and SIGHUP end a run as Ctrl-C does: one line, its own exit code, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from support.images import encoded, noise
from support.runs import COMMAND
from support.suites import write_manifest

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


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_run_and_everything_it_started(
    suite: Path, sleeper: Path, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "run"
    process = start_run(suite, sleeper, out)
    ends = time.monotonic() + 180
    while len(children := workers_of(process)) < 2:
        assert time.monotonic() < ends and process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    last = stderr.strip().splitlines()[-1]
    said = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    assert last == f"idbench: {said}; the same command goes on where this one stopped"
    assert "Traceback" not in stderr
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not (out / ".work").exists() and not list(out.rglob("*.tmp"))
