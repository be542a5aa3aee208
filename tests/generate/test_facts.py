"""What is told of an image travels by its name, from the model to the ledger and the scores."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import idbench
from idbench.generate.child import ModelServer
from idbench.generate.replies import record_of
from idbench.generate.task import Task
from idbench.models.base import FACTS, Generated, Job
from idbench.records import Generation

PACKAGE = Path(idbench.__file__).parent

VALUES = {
    "boxes": ((1.0, 2.0, 3.0, 4.0),),
    "cost": 0.25,
    "version": "v7",
    "retryable": True,
    "seconds": 1.5,
    "peak_memory": 10,
    "batch": 3,
    "offload": "model",
}


def test_every_fact_that_is_valid_is_kept():
    assert set(FACTS) == set(VALUES)
    job = Job("c", "p", people=(None,))
    record = Task(job, Path("unused"), "m", "k").settle(Generated(None, "why", **VALUES))
    assert {name: getattr(record, name) for name in FACTS} == VALUES
    assert Generation.model_validate_json(record.model_dump_json(exclude_none=True)) == record


def test_a_model_may_tell_numbers_of_numpy_and_nonsense(tmp_path: Path):
    made = Generated(
        np.zeros((4, 4, 3), np.uint8), boxes=np.array([[0, 0, 2, 3]], np.float32), cost=float("nan"), version=7,
        seconds=np.float64(0.5),
    )  # fmt: skip
    record = Task(Job("c", "p", people=(None,)), tmp_path / "c.png", "m", "k").settle(made)
    assert (record.boxes, record.cost, record.version, record.seconds) == (((0.0, 0.0, 2.0, 3.0),), None, None, 0.5)


def test_what_a_child_sends_the_parent_understands(tmp_path: Path):
    class Telling:
        def generate(self, jobs):
            return [Generated(None, "no quota", retryable=True, cost=0.0, version="v7") for _ in jobs]

    sent: list[dict] = []
    job = {"id": 4, "case": "c", "prompt": "", "people": [], "canvas": None, "seed": 2, "parameters": {}}
    ModelServer(Telling(), "cpu", "none", sent.append).do([job | {"output": str(tmp_path / "4.png")}])
    (message,) = json.loads(json.dumps(sent))
    assert message["type"] == "outcome" and message["id"] == 4 and message["batch"] == 1
    record = record_of(message, Task(Job("c", "p", (), 2), tmp_path / "out.png", "m", "k"), tmp_path / "4.png")
    assert (record.outcome, record.error, record.retryable) == ("generation_failed", "no quota", True)
    assert (record.cost, record.version, record.seed, record.parameters) == (0.0, "v7", 2, "k")
    assert record.seconds is not None and record.peak_memory


NEW_FACT = """
import sys
from pathlib import Path
import numpy as np
from idbench.faces.types import Analysis
from idbench.generate.child import ModelServer
from idbench.generate.ledger import Ledger
from idbench.generate.replies import record_of
from idbench.generate.task import Task
from idbench.images import EncodedImage
from idbench.models.base import Generated, Job
from idbench.scoring.score import _settled

folder = Path(sys.argv[1])
class Moody:
    def generate(self, jobs): return [Generated(np.zeros((4, 4, 3), np.uint8), mood="calm") for _ in jobs]

sent = []
job = {"id": 0, "case": "c", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}
ModelServer(Moody(), "cpu", "none", sent.append).do([job | {"output": str(folder / "0.png")}])
record = record_of(sent[0], Task(Job("c", "p", ()), folder / "c.png", "m", "k"), folder / "0.png")
Ledger(folder / "ledger.jsonl").record(record)
known = Ledger(folder / "ledger.jsonl").find("m", "c", 0)
image = EncodedImage("c", path=folder / "c.png")
print(known.mood, _settled(known, image, Analysis(known.digest)).mood)
"""


def test_a_new_fact_is_added_in_two_places(tmp_path: Path):
    """A line in `Generated` and a line in `Generation`, and a fact travels all the way."""
    package = tmp_path / "idbench"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, line, added in (
        ("models/base.py", "    version: str | None = None\n", "    mood: str | None = None\n"),
        ("records/generations.py", "    error: str | None = None\n", "    mood: Words | None = None\n"),
    ):
        text = (package / file).read_text()
        assert text.count(line) == 1
        (package / file).write_text(text.replace(line, line + added))
    command = [sys.executable, "-c", NEW_FACT, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["calm", "calm"], done.stderr


def test_a_fact_is_named_where_it_is_declared_told_and_used_and_nowhere_else():
    found = {
        str(path.relative_to(PACKAGE))
        for folder in ("generate", "models", "records", "scoring")
        for path in (PACKAGE / folder).rglob("*.py")
        if "cost" in _names(path)
    }
    told = {name for name in found if name.startswith("models/hosted/")}
    assert found - told == {"models/base.py", "records/generations.py", "generate/budget.py"}


def _names(path: Path) -> set[str]:
    """Every attribute, argument and variable of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.arg | ast.keyword):
            names.add(node.arg or "")
    return names
