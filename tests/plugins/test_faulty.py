"""Faults of other people's packages are named in one line, and listings go on without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idbench.faces.pipeline import _embeddings

COMMAND = [sys.executable, "-c", "from idbench.cli import main; main()"]
MODULE = """
from idbench.kinds import RecognizerKind

def fails():
    raise ValueError("here fails")

SILENT = RecognizerKind(open=lambda *_: None, what="cannot say what is here", here=fails)
NUMBER = 5
"""
ENTRY_POINTS = """
[idbench.recognizers]
silent = faulty_things:SILENT
[idbench.models]
number = faulty_things:NUMBER
[idbench.metrics]
number = faulty_things:NUMBER
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "faulty_things.py").write_text(MODULE)
    info = folder / "faulty_things-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-things\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def idbench(faulty: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(faulty)}
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_listings_name_what_fails_and_go_on(faulty: Path):
    listed = idbench(faulty, "recognizers", "--json")
    assert listed.returncode == 0, listed.stderr
    rows = {row["kind"]: row["here"] for row in json.loads(listed.stdout)}
    assert rows["silent"] == "failed to say what is here (ValueError: here fails)" and "mini" in rows
    examined = idbench(faulty, "doctor", "--json")
    assert examined.returncode == 0, examined.stderr
    found = json.loads(examined.stdout)
    assert found["metrics of other packages"] == {
        "number": "metric 'number': expected a Metric with `compute`, found 5"
    }
    assert found["models"]["number"].endswith("TypeError: expected a ModelKind or a function, found 5")


def test_a_model_that_is_no_model_is_one_line(faulty: Path, tmp_path: Path):
    done = idbench(faulty, "run", "--model", "number:", "--dry-run", "--out", str(tmp_path / "run"))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "model 'number' cannot be loaded: TypeError: expected a ModelKind" in done.stderr.splitlines()[-1]


class Short:
    """A recognizer that answers fewer crops than it is given."""

    name = "short"

    def embed(self, crops):
        return np.ones((len(crops) - 1, 3), np.float32)


def test_embeddings_of_another_number_than_crops_are_a_failure_of_the_recognizer():
    (answer,) = _embeddings(Short(), [np.zeros((2, 112, 112, 3), np.uint8)])
    assert isinstance(answer, ValueError) and "expected (2, d) embeddings, found (1, 3)" in str(answer)
