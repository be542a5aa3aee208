"""Runs of perturbed worlds, and what changed without a word."""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# Each registers its perturbations.
from support.perturbed import boxes, columns, folders, formats, links, names
from support.perturbed.effects import PERTURBATIONS, Effect, Perturbation
from support.perturbed.world import World, case_ids

from idbench.config import RunConfig
from idbench.errors import IdbenchError
from idbench.run import execute
from idbench.tables import read_tables

__all__ = ["Example", "Outcome", "examples", "outcome_of", "silent_changes"]

_ = boxes, columns, folders, formats, links, names
VALUES = ("sim_gt", "sim_ref", "copy_paste", "slot_accuracy")
GROUPS = ("formats", "names", "boxes", "columns", "links", "folders")
"""In the order in which they are applied: what is gone is gone last."""
WEIGHTS = (5, 3, 2)
"""How often an example holds one, two and three perturbations."""

Row = tuple[str, tuple[float, ...]]
Numbers = Mapping[str, Mapping[tuple[int, int], Row]]
"""Case -> (how many seeds are smaller, person) -> outcome and values."""


@dataclass
class Outcome:
    """What became of a world: numbers by case (as the good suite calls them), or the error; and every line."""

    numbers: Numbers | None
    lines: list[str]


@dataclass
class Example:
    """A perturbed world. `done` are the perturbations and their effects."""

    number: int
    world: World
    done: list[tuple[Perturbation, Effect]]

    def __str__(self) -> str:
        told = [f"{one.name}({effect.detail or ', '.join(sorted(effect.cases)) or 'all'})" for one, effect in self.done]
        return f"example {self.number}, {self.world.form}: {' + '.join(told)}"


def examples(worlds: Sequence[World], numbers: Sequence[int], only: set[str] | None = None) -> Iterator[Example]:
    """Worlds with one to three perturbations, each of another kind and, where it touches one case, of another case.

    only : leave out the examples that hold no perturbation of these names.
    """
    for number in numbers:
        rng = random.Random(number)
        world = rng.choice(worlds).copy()
        groups = sorted(rng.sample(GROUPS, rng.choices((1, 2, 3), WEIGHTS)[0]), key=GROUPS.index)
        chosen = [rng.choice(_of(group, world)) for group in groups]
        if only is None or any(one.name in only for one in chosen):
            cases = rng.sample(world.entries, len(chosen))
            made = [(one, one.change(world, entry, rng)) for one, entry in zip(chosen, cases, strict=True)]
            yield Example(number, world, [(one, effect) for one, effect in made if effect is not None])


def _of(group: str, world: World) -> list[Perturbation]:
    return [one for one in PERTURBATIONS if one.group == group and world.form in one.forms]


def outcome_of(world: World, root: Path, cache: Path) -> Outcome:
    """Write a world and score it."""
    world.write(root)
    lines: list[str] = []
    config = RunConfig(
        suite=str(root / world.given), images={"m": str(root / world.images_given)}, models=[], oracles=False,
        recognizers=["mini"], allow_mini=True, protocol="strict", clip="off", aesthetic="off",
        resamples=100, gallery=0, workers=1, out=str(root / "run"), cache=str(cache),
    )  # fmt: skip
    try:
        run = execute(config, warn=lines.append)
    except IdbenchError as error:
        return Outcome(None, [*lines, str(error)])
    return Outcome(_numbers(read_tables(run)[0], case_ids(world)), lines)


def _numbers(scores: pd.DataFrame, ids: Mapping[str, str]) -> Numbers:
    found: dict[str, dict[tuple[int, int], Row]] = {}
    for case, rows in scores.groupby("case"):
        seeds = sorted(rows["seed"].unique())
        found[ids.get(str(case), str(case))] = {
            (seeds.index(row["seed"]), int(row["person"])): (row["outcome"], tuple(float(row[name]) for name in VALUES))
            for _, row in rows.iterrows()
        }
    return found


def silent_changes(example: Example, good: Numbers, found: Outcome) -> list[str]:
    """What must not be: numbers that differ and no line that names why, or that had to be equal; one entry each."""
    effects = [effect for _, effect in example.done]
    said = _Said(found.lines, example)
    if found.numbers is None:
        blamed = [effect for effect in effects if effect.equal is None and said.names(effect)]
        return [] if blamed else [f"refused: {found.lines[-1]}"]
    wrong = [
        f"not said: {one.name}"
        for one, effect in example.done
        if _must_be_said(effect, effects) and not said.tells(effect)
    ]
    for case in sorted(good.keys() | found.numbers.keys()):
        touching = [effect for effect in effects if effect.touches(case)]
        tolerance = max((effect.equal or 0.0 for effect in touching), default=0.0)
        difference = _difference(good.get(case, {}), found.numbers.get(case, {}), tolerance)
        if difference and not (any(one.equal is None for one in effects) and said.explains(case, touching)):
            wrong.append(f"{case}: {difference}; said: {found.lines}")
    return wrong


def _must_be_said(effect: Effect, effects: Sequence[Effect]) -> bool:
    """Whether it must, as long as nothing else changed what it touched."""
    others = [other for other in effects if other is not effect and other.equal is None]
    return effect.said and not any(
        not effect.cases or not other.cases or effect.cases & other.cases for other in others
    )


class _Said:
    """Whether the lines of a run name what was perturbed."""

    def __init__(self, lines: Sequence[str], example: Example) -> None:
        self._lines = [unicodedata.normalize("NFC", line) for line in lines]
        self._files = {entry.was: [*entry.photos(), *entry.images] for entry in example.world.entries}
        self._ids = {entry.was: entry.id for entry in example.world.entries}
        self._all = [effect for _, effect in example.done]

    def names(self, effect: Effect) -> bool:
        return any(_holds(line, self._names_of(effect)) for line in self._lines)

    def tells(self, effect: Effect) -> bool:
        """As `names`, or a line that counts several does, by the first of them."""
        return self.names(effect) or any(self.explains(case, [effect]) for case in effect.cases)

    def explains(self, case: str, effects: Sequence[Effect]) -> bool:
        """A line names the case or its files; or it counts several, or all, and names the first."""
        own = self._of_case(case).union(*(self._names_of(effect) for effect in effects))
        touched = set().union(*(self._names_of(effect) for effect in self._all))
        named = set().union(*map(self._of_case, self._ids))

        def covers(line: str) -> bool:
            count = _count(line)
            return (count >= 2 and _holds(line, touched)) or (count >= len(self._ids) and _holds(line, named))

        return any(_holds(line, own) or covers(line) for line in self._lines)

    def _names_of(self, effect: Effect) -> set[str]:
        cases = effect.cases or self._ids.keys()
        files = [name for file in effect.files for name in (file.name, Path(file.name).name)]
        return {*effect.names, *files}.union(*(self._of_case(case) for case in cases))

    def _of_case(self, case: str) -> set[str]:
        files = [name for file in self._files.get(case, []) for name in (file.name, Path(file.name).name)]
        return {case, self._ids.get(case, case), *files}


def _holds(line: str, names: set[str]) -> bool:
    """Whether a line names one of these, as a whole word, however quoted or shortened."""
    for name in names:
        plain = unicodedata.normalize("NFC", name)
        shown = {
            plain,
            plain.encode("ascii", "backslashreplace").decode(),
            ascii(plain)[1:-1],
            plain.replace("\\", "\\\\"),
        }
        if len(plain) > 70:
            shown.add(plain[:40])
        if any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", line) for one in shown if one):
            return True
    return False


def _count(line: str) -> int:
    """How many things a line speaks of: 3 of `3 of 4 images cannot be read`."""
    found = re.search(r"(?<!\w)(\d+) (?:of \d+ )?(?:cases|images|files|photos|people)", line)
    return int(found[1]) if found else 1


def _difference(good: Mapping[tuple[int, int], Row], found: Mapping[tuple[int, int], Row], tolerance: float) -> str:
    """What differs between the rows of one case, in words; nothing where they are equal."""
    if good.keys() != found.keys():
        return f"rows {sorted(found)}, expected {sorted(good)}"
    for key, (outcome, values) in good.items():
        other, others = found[key]
        if outcome != other:
            return f"{key} is {other}, expected {outcome}"
        for name, value, one in zip(VALUES, values, others, strict=True):
            allowed = tolerance * (2 if name == "copy_paste" else 1)
            if math.isnan(value) != math.isnan(one) or abs(value - one) > allowed:  # false where both are NaN
                return f"{key} {name} {one}, expected {value}"
    return ""
