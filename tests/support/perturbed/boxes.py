"""Face boxes written otherwise, or wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from support.perturbed.effects import Effect, perturbation
from support.perturbed.world import Entry, World

Change = Callable[[list[float], tuple[int, int]], Any]

WRITTEN: dict[str, Change] = {
    "0..1": lambda b, s: [b[0] / s[0], b[1] / s[1], b[2] / s[0], b[3] / s[1]],
    "0..1 sides": lambda b, s: [b[0] / s[0], b[1] / s[1], (b[2] - b[0]) / s[0], (b[3] - b[1]) / s[1]],
    "0..1 centre": lambda b, s: [(b[0] + b[2]) / 2 / s[0], (b[1] + b[3]) / 2 / s[1], (b[2] - b[0]) / s[0], (b[3] - b[1]) / s[1]],
    "0..1000": lambda b, s: [round(1000 * v / s[i % 2]) for i, v in enumerate(b)],
    "per cent": lambda b, s: [100 * v / s[i % 2] for i, v in enumerate(b)],
    "twice": lambda b, s: [2 * v for v in b],
    "half": lambda b, s: [v / 2 for v in b],
    "1024": lambda b, s: [v * 1024 / max(s) for v in b],
    "sides": lambda b, s: [b[0], b[1], b[2] - b[0], b[3] - b[1]],
    "centre": lambda b, s: [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]],
    "rows": lambda b, s: [b[1], b[0], b[3], b[2]],
    "0..1 rows": lambda b, s: [b[1] / s[1], b[0] / s[0], b[3] / s[1], b[2] / s[0]],
    "turned over": lambda b, s: [b[2], b[3], b[0], b[1]],
    "from below": lambda b, s: [b[0], s[1] - b[3], b[2], s[1] - b[1]],
    "mirrored": lambda b, s: [s[0] - b[2], b[1], s[0] - b[0], b[3]],
    "out of the frame": lambda b, s: [b[0] + 3 * s[0], b[1], b[2] + 3 * s[0], b[3]],
    "zeros": lambda b, s: [0, 0, 0, 0],
    "empty": lambda b, s: [b[0], b[1], b[0], b[1]],
    "whole picture": lambda b, s: [0, 0, *s],
    "corner": lambda b, s: [0, 0, 12, 12],
    "rounded": lambda b, s: [round(v) for v in b],
    "a fifth larger": lambda b, s: [b[0] - 12, b[1] - 12, b[2] + 12, b[3] + 12],
}  # fmt: skip
NOT_NUMBERS: dict[str, Change] = {
    "text": lambda b, s: [str(v) for v in b],
    "one text": lambda b, s: " ".join(map(str, b)),
    "NaN": lambda b, s: [float("nan"), *b[1:]],
    "infinite": lambda b, s: [*b[:3], float("inf")],
    "huge": lambda b, s: [*b[:3], 1e300],
    "three": lambda b, s: b[:3],
    "five": lambda b, s: [*b, 0.99],
    "corners": lambda b, s: [b[:2], b[2:]],
    "none": lambda b, s: None,
    "nothing": lambda b, s: [],
    "object": lambda b, s: {"x1": b[0], "y1": b[1], "x2": b[2], "y2": b[3]},
    "words": lambda b, s: ["left", "top", "right", "bottom"],
    "true": lambda b, s: [True, True, True, True],
}
SAME = {"rounded", "a fifth larger"}


@perturbation("boxes")
def boxes_of_one_case_written_otherwise(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(WRITTEN))
    for person in entry.people:
        person.box = WRITTEN[how](person.box, entry.size)
    return Effect({entry.was}, detail=how)


@perturbation("boxes")
def boxes_of_all_cases_written_otherwise(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(WRITTEN))
    for one in world.entries:
        size = one.size
        for person in one.people:
            person.box = WRITTEN[how](person.box, size)
    return Effect(set(), detail=how)


@perturbation("boxes")
def one_box_written_otherwise(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(WRITTEN))
    person = rng.choice(entry.people)
    person.box = WRITTEN[how](person.box, entry.size)
    return Effect({entry.was}, detail=how)


@perturbation("boxes")
def one_box_that_is_none(world: World, entry: Entry, rng: random.Random) -> Effect:
    how = rng.choice(list(NOT_NUMBERS))
    person = rng.choice(entry.people)
    person.box = NOT_NUMBERS[how](person.box, entry.size)
    return Effect({entry.was}, names=["cases.jsonl, line"], detail=how)


@perturbation("boxes")
def boxes_that_are_none(world: World, entry: Entry, rng: random.Random) -> Effect | None:
    how = rng.choice(list(NOT_NUMBERS))
    if how == "none" and world.form == "manifest":
        return None  # a suite without boxes
    for one in world.entries:
        for person in one.people:
            person.box = NOT_NUMBERS[how](person.box, one.size)
    return Effect(set(), names=["cases.jsonl, line"], detail=how)


@perturbation("boxes")
def people_in_each_others_boxes(world: World, entry: Entry, rng: random.Random) -> Effect:
    several = [one for one in world.entries if len(one.people) > 1]
    entry = rng.choice(several)
    first, second = rng.sample(entry.people, 2)
    first.box, second.box = second.box, first.box
    return Effect({entry.was})


@perturbation("boxes")
def two_people_in_one_box(world: World, entry: Entry, rng: random.Random) -> Effect:
    entry = rng.choice([one for one in world.entries if len(one.people) > 1])
    first, second = rng.sample(entry.people, 2)
    first.box = list(second.box)
    return Effect({entry.was})


@perturbation("boxes", "folders", "parquet")
def another_number_of_boxes(world: World, entry: Entry, rng: random.Random) -> Effect:
    boxes = entry.boxes()
    how, changed = rng.choice(
        [
            ("one less", boxes[:-1]), ("one more", [*boxes, [5, 5, 50, 50]]), ("flat", [v for box in boxes for v in box]),
            ("by name", {"1": boxes[0]}), ("text", str(boxes)), ("padded", [*boxes, [0, 0, 0, 0]]), ("no list", 7),
            ("twice nested", [boxes]), ("nothing", None), ("empty", []), ("broken text", "[[1, 2,"),
        ]
    )  # fmt: skip
    entry.more["bboxes"] = changed if world.form == "folders" or changed is None else str(changed).replace("'", '"')
    return Effect({entry.was}, names=["bboxes"], detail=how)


@perturbation("boxes", "folders", "parquet")
def boxes_under_another_name(world: World, entry: Entry, rng: random.Random) -> Effect:
    name = rng.choice(["boxes", "bbox", "BBoxes", "bboxs", "face_boxes"])
    for one in world.entries:
        one.more |= {name: one.boxes() if world.form == "folders" else str(one.boxes()), "bboxes": None}
    return Effect(set(), names=[name], detail=name)
