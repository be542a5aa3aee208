"""Jobs for a worker whose repository is a stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.stand_in_repositories import STAND_INS
from support.worker_stand_ins import job, run_worker, write_modules

from idbench.records import Generation


@pytest.fixture
def run(tmp_path: Path):
    """Run jobs of one worker; gives replies by case and the stand-ins' calls by name."""

    def run(
        name: str, *jobs: dict[str, Any], **changes: str
    ) -> tuple[dict[str, Generation], dict[str, list[dict[str, Any]]]]:
        tasks = [job(tmp_path, **one) for one in jobs]
        replies, calls = run_worker(
            name, write_modules(tmp_path / "stand_ins", STAND_INS[name]), tasks, tmp_path, **changes
        )
        named: dict[str, list[dict[str, Any]]] = {}
        for call in calls:
            named.setdefault(call.pop("what"), []).append(call)
        return replies, named

    return run
