"""Jobs for a worker of `baselines/`, what must become of them, and the calls they led to."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image
from support.worker_stand_ins import job

from idbench.generate.task import Task
from idbench.images import decode
from idbench.models.cards import baselines_folder
from idbench.records import Generation


def tasks(folder: Path, people: int = 1) -> list[Task]:
    """Two good jobs, around one whose photo shows no face and one whose entry point fails."""
    faceless = job(folder / "faceless", "b-faceless", "a man", people)
    for photo in (folder / "faceless" / "photos").iterdir():
        Image.new("RGB", (96, 128)).save(photo)
    last = job(folder, "d", "A woman on a horse", people, seed=8)
    return [job(folder, "a", "a man", people), faceless, job(folder, "c-fails", "a man must fail", people), last]


def check(replies: dict[str, Generation], asked: list[Task]) -> None:
    """Good jobs gave an image in its place, the others a reason."""
    assert [replies[task.job.case].outcome.removeprefix("generation_") for task in asked] == [
        "generated",
        "failed",
        "failed",
        "generated",
    ], replies
    assert all(decode(asked[i].output.read_bytes()).shape[2] == 3 for i in (0, 3))
    assert "face" in replies["b-faceless"].error and "entry point fails" in replies["c-fails"].error
    assert not any(asked[i].output.exists() for i in (1, 2))


def of(calls: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    return [call for call in calls if call["what"] == what]


def roles_of(places: list[str]) -> list[str]:
    """Which of a card's weights lie at these places."""
    return [place.partition("/weights/")[2].partition("/")[0] for place in places]


def module_of(name: str) -> ModuleType:
    """A worker's module, whose heavy imports lie in its functions."""
    path = baselines_folder() / name / "worker.py"
    spec = importlib.util.spec_from_file_location(f"worker_{name.replace('-', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
