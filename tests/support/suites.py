"""Small suites out of the real one's photos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idbench.records import Case
from idbench.suites import case_filename, open_suite


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
