"""Random perturbations of a good suite and its images: equal numbers, or a line that names the file; no silent change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from support.perturbed.oracle import Example, Numbers, examples, outcome_of, silent_changes
from support.perturbed.world import FORMS, World, world_of

from idbench import provenance, registry
from idbench.suites import synthetic

EXAMPLES = int(os.environ.get("IDBENCH_PERTURBATIONS", "500"))
"""How many examples; each is known by its number."""
PARTS = 10


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """What is the same in every run is looked up once, and no page is written: numbers and lines come before it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "entry_points", cache(registry.entry_points))
        patch.setattr(provenance, "package_versions", cache(provenance.package_versions))
        patch.setattr("idbench.run.write_report", lambda run: None)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("perturbed")


@pytest.fixture(scope="module")
def worlds(home: Path) -> list[World]:
    """Four cases of 1, 2, 1 and 3 people in every form, with one and with two images each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthetic.SIZES, "small", 4)
        cases = list(synthetic.open_suite(folder=home / "suite").cases())
    return [world_of(cases, form, seeds) for form in FORMS for seeds in (1, 2)]


@pytest.fixture(scope="module")
def good(worlds: list[World], home: Path) -> dict[tuple[str, int], Numbers]:
    """Numbers of the good suite; nothing is said of it."""
    found = {}
    for world in worlds:
        outcome = outcome_of(world, home / f"good-{len(found)}", home / "cache")
        assert outcome.lines == [] and outcome.numbers is not None
        found[_kind(world)] = outcome.numbers
    assert len({str(sorted(numbers.items())) for numbers in found.values()}) == 2, "a form must not change numbers"
    return found


def _kind(world: World) -> tuple[str, int]:
    return world.form, world.seeds


def faults_of(example: Example, good: dict[tuple[str, int], Numbers], root: Path, kept: Path) -> list[str]:
    """What an example changes silently; an error that is not one of idbench's, one line each, is a fault too."""
    place = root / str(example.number)
    try:
        found = outcome_of(example.world, place, kept)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return silent_changes(example, good[_kind(example.world)], found)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_perturbation_leaves_the_numbers_or_is_named(worlds, good, home, tmp_path, part):
    wrong = []
    for example in examples(worlds, range(part, EXAMPLES, PARTS)):
        wrong += [f"{example}\n    {fault}" for fault in faults_of(example, good, tmp_path, home / "cache")]
    assert not wrong, f"{len(wrong)} silent changes\n" + "\n".join(islice(wrong, 40))
