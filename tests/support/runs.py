"""Runs in this process, and the command as a child process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from idbench.config import load_config
from idbench.run import execute

COMMAND = [sys.executable, "-c", "from idbench.cli import main; main()"]
CHEAP = {"resamples": 200, "gallery": 0, "clip": "off", "aesthetic": "off"}
NOTE = "idbench: note: "


def flags(suite: Path, packs: Path, out: Path, cache: Path | None = None, **more: Any) -> dict[str, Any]:
    """A cheap configuration with one recognizer."""
    judge = f"insightface:{packs / 'mini-a'}"
    base = {"suite": str(suite), "recognizers": [judge], "out": str(out), "cache": str(cache) if cache else None}
    return base | CHEAP | more


def run_here(suite: Path, packs: Path, out: Path, cache: Path | None = None, **more: Any) -> Path:
    return execute(load_config(None, flags(suite, packs, out, cache, **more)))


def options(configuration: dict[str, Any]) -> list[str]:
    """The command-line form of `flags`."""
    given = []
    for key, value in configuration.items():
        option = {"recognizers": "--recognizer", "subsets": "--subset"}.get(key, f"--{key.replace('_', '-')}")
        if key == "images":
            given += [part for name, folder in value.items() for part in ("--images", f"{name}={folder}")]
        elif isinstance(value, list | tuple):
            given += [part for one in value for part in (option, str(one))]
        elif isinstance(value, bool):
            given.append(option if value else option.replace("--", "--no-", 1))
        elif value is not None:
            given += [option, str(value)]
    return given


def idbench(*arguments: str | Path, timeout: float = 120, **how: Any) -> subprocess.CompletedProcess[str]:
    """The command as a child process."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **how)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """The command as a child process in a session of its own, not waited for."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*COMMAND, *arguments], stdout=quiet, stderr=quiet, start_new_session=True)


def running_children() -> set[int]:
    """Processes that this one started, directly or not, and that still run; other tests' may be among them."""
    found = psutil.Process().children(recursive=True)
    return {child.pid for child in found if child.status() != psutil.STATUS_ZOMBIE}


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line a refused command says, notes aside."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if not line.startswith(NOTE)]
    assert len(lines) == 1 and lines[0].startswith("idbench: "), done.stderr
    return lines[0]
