"""Workers of `baselines/` run as child processes against stand-ins for the repositories they call.

A test writes tiny modules with the repository's own names and signatures. They may import `stand_in`: `record` keeps
what they were called with, `picture` makes their image, or raises where the prompt ends with "fail".
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from idbench.generate.pool import ProcessPool
from idbench.generate.task import Task
from idbench.images import EncodedImage
from idbench.models.base import Job
from idbench.models.cards import baselines_folder, load_card
from idbench.models.launch import LaunchSpec
from idbench.models.settings import settings_of
from idbench.models.worker_card import worker_of
from idbench.records import Generation, Person

STAND_IN = """
import json, os
import numpy as np
from PIL import Image

def plain(value):
    if isinstance(value, Image.Image):
        return list(value.convert("RGB").getpixel((value.width // 2, value.height // 2)))
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.initial_seed() if hasattr(value, "initial_seed") else str(value)

def record(what, **values):
    with open(os.environ["STAND_IN_CALLS"], "a") as calls:
        calls.write(json.dumps({"what": what, **values}, default=plain) + "\\n")

def picture(prompt, width, height):
    if prompt.endswith("fail"):
        raise RuntimeError("the entry point fails")
    return Image.new("RGB", (width // 16, height // 16), "teal")
"""

COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]
"""Of the flat reference photos of the first, second and third person."""

BOXES = [(100.0, 200.0, 300.0, 440.0), (600.0, 200.0, 800.0, 440.0), (350.0, 200.0, 550.0, 440.0)]
CANVAS = (1000, 1000)


def write_modules(folder: Path, modules: Mapping[str, str]) -> Path:
    """Modules by dotted name, packages around them included; `stand_in` beside them."""
    for name, text in {"stand_in": STAND_IN, **modules}.items():
        path = folder.joinpath(*name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in [*path.relative_to(folder).parents][:-1]:
            (folder / package / "__init__.py").touch()
        path.with_suffix(".py").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def job(folder: Path, case: str, prompt: str, people: int = 1, seed: int = 7, boxes: bool = True) -> Task:
    """A job for a number of people, each with a flat photo of a colour of their own; parameters come with the run."""
    photos = [folder / "photos" / f"{i}.png" for i in range(people)]
    for photo, colour in zip(photos, COLOURS, strict=False):
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (96, 128), colour).save(photo)
    shown = tuple(
        Person((EncodedImage(photo.name, photo),), box=box if boxes else None)
        for photo, box in zip(photos, BOXES, strict=False)
    )
    return Task(Job(case, prompt, shown, seed, CANVAS if boxes else None), folder / "out" / f"{case}.png")


def run_worker(
    name: str, stand_ins: Path, tasks: Sequence[Task], folder: Path, **changes: str
) -> tuple[dict[str, Generation], list[dict[str, Any]]]:
    """What became of each case, and the calls the stand-ins recorded. The card's weights are
    empty files and folders at `weights/ROLE/NAME`.

    The child gets what `WorkerModel.launch` gives, but this Python and the stand-ins in place of an environment.
    """
    home = baselines_folder() / name
    card = load_card(home)
    parameters = settings_of(card, changes).parameters
    places = {need.role: folder / "weights" / need.role / Path(need.file).name for need in card.needed(parameters)}
    for place in places.values():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch() if place.suffix else place.mkdir(exist_ok=True)
    calls = folder / "calls.jsonl"
    calls.touch()
    hello = {
        "name": name,
        "parameters": dict(parameters),
        "weights": {role: str(place) for role, place in places.items()},
    }
    environment = {
        "PYTHONPATH": f"{stand_ins}:{baselines_folder()}",
        "IDBENCH_REPOSITORY": str(stand_ins),
        "STAND_IN_CALLS": str(calls),
    }
    launch = LaunchSpec(hello, (sys.executable, str(home / worker_of(card).script)), home, environment)
    complete = [
        Task(Job(t.job.case, t.job.prompt, t.job.people, t.job.seed, t.job.canvas, parameters), t.output) for t in tasks
    ]
    with ProcessPool(name, launch, [None], "none", 60, folder / "scratch", folder / "logs") as pool:
        replies = {record.case: record for record in pool.run(iter([complete]))}
    return replies, [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]
