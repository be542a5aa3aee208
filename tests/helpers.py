"""Small suites out of the real one's photos, runs in this process or as a child, and their comparison."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from PIL import Image

from idbench.config import load_config
from idbench.records import Case
from idbench.run import execute
from idbench.suites import case_filename, open_suite
from idbench.tables import read_tables

COMMAND = [sys.executable, "-c", "from idbench.cli import main; main()"]
CHEAP = {"resamples": 200, "gallery": 0, "clip": "off", "aesthetic": "off"}
NOTE = "idbench: note: "
PLACES = ["path", "error"]
"""Columns that name where a run's files lie, which is no number."""


def real_cases(real_suite: Path, sizes: Sequence[int] = (1, 1, 2)) -> list[Case]:
    """Cases of the real suite with a target and as many people as `sizes` says, in suite order."""
    waiting = list(sizes)
    chosen = []
    for case in open_suite(str(real_suite)).cases():
        if case.target is not None and len(case.people) in waiting:
            waiting.remove(len(case.people))
            chosen.append(case)
    assert not waiting, f"the real suite has no further cases of {waiting} people"
    return chosen


def write_manifest(root: Path, rows: Sequence[dict[str, Any]]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return root


def write_suite(root: Path, cases: Sequence[Case]) -> Path:
    """`cases` as a folder suite with a manifest; photos keep their bytes."""
    rows = []
    for case in cases:
        name = case_filename(case.id)
        (root / name).mkdir(parents=True)
        people = []
        for i, person in enumerate(case.people):
            (root / name / f"ref_{i}.jpg").write_bytes(person.references[0].read())
            people.append({"references": [f"{name}/ref_{i}.jpg"], "box": person.box, "identity": person.identity})
        (root / name / "target.jpg").write_bytes(case.target.read())
        target = f"{name}/target.jpg"
        rows.append({"id": case.id, "prompt": case.prompt, "target": target, "subset": case.subset, "people": people})
    return write_manifest(root, rows)


def flags(suite: Path, packs: Path, out: Path, cache: Path | None = None, **more: Any) -> dict[str, Any]:
    """A cheap configuration with one judge."""
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


def numbers(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The tables of a run in their one order, less what says where files lie, and its summary."""
    scores, images, suite = (frame.reset_index(drop=True) for frame in read_tables(run))
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return scores, images.drop(columns=PLACES), suite, summary


def assert_same_numbers(run: Path, other: Path) -> None:
    *frames, summary = numbers(run)
    *expected, other_summary = numbers(other)
    for frame, good in zip(frames, expected, strict=True):
        pd.testing.assert_frame_equal(frame, good, check_exact=True)
    assert summary == other_summary


def outcomes(run: Path, model: str) -> dict[str, str]:
    """Outcome of the first person by case, one judge, strict."""
    scores = read_tables(run)[0].query("model == @model and protocol == 'strict' and person == 0 and seed == 0")
    assert scores["case"].is_unique
    return dict(zip(scores["case"], scores["outcome"], strict=True))


def ledger(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "generations.jsonl").read_text(encoding="utf-8").splitlines()]


def encoded(image: Image.Image, form: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def is_root() -> bool:
    return os.geteuid() == 0
