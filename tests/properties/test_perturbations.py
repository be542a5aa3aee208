"""Random perturbations of a good suite and its images: equal numbers, or a line that names the file; no silent change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from support.perturbed.oracle import Example, Numbers, examples, outcome_of, silent_changes
from support.perturbed.world import FORMS, World, world_of

from idbench import provenance, registry, run
from idbench.account import Account
from idbench.images import EncodedImage
from idbench.models.image_folder import ImageFolder, MatchedImages
from idbench.suites import synthetic

EXAMPLES = int(os.environ.get("IDBENCH_PERTURBATIONS", "500"))
"""How many examples; each is known by its number."""
PARTS = 10


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """What is the same in every run is looked up once; neither summary nor page is made, as both come of the numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "entry_points", cache(registry.entry_points))
        patch.setattr(provenance, "package_versions", cache(provenance.package_versions))
        patch.setattr(run, "summarise", lambda *a: None)
        patch.setattr(run.RunFolder, "write_summary", lambda *a: None)
        patch.setattr(run, "write_report", lambda *a: None)
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


def _silent(*words: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Lines with these words are not said."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        said = Account.lines
        patch.setattr(Account, "lines", lambda self: (line for line in said(self) if not any(w in line for w in words)))

    return plant


def _replaced(target: str, value: object) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(target, value)


def _all(*plants: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


def _by_position(folder: ImageFolder, case_ids: Iterable[str]) -> MatchedImages:
    """Images go to cases in the order of both."""
    files = {case: {0: path} for case, path in zip(case_ids, folder.paths, strict=False)}
    return MatchedImages(folder.name, folder.root, files, ())


def _present(photos: object, stated: int | None) -> list[EncodedImage]:
    """References that are there; the others move up."""
    return [photos.image(paths[0]) for _, paths in sorted(photos.references.items())]


def _given(row: object) -> list[EncodedImage]:
    """References of a row that are not null."""
    found = (row._image(value, f"ref_{i}") for i, value in enumerate(row.row["input_images"] or [], start=1))
    return [image for image in found if image is not None and image.data != b""]


BOXES_UNCHECKED = _all(
    _replaced("idbench.scoring.boxes.BoxCheck.problems", lambda check: ()),
    _replaced("idbench.scoring.boxes.BoxCheck.unused", lambda check: {}),
    _replaced("idbench.suites.boxes.add_problem", lambda *a: None),
)
PLANTED: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "EXIF orientation is ignored": (
        _replaced("idbench.images.ImageOps.exif_transpose", lambda image, in_place: None),
        {"other_lossless_format", "whole_case_in_another_format"},
    ),
    "colour profiles are ignored": (_replaced("idbench.images._transform", lambda *a: None), {"lossy_format"}),
    "transparency is ignored": (_replaced("idbench.images._has_alpha", lambda image: False), {"lossy_format"}),
    "a byte order mark stays": (
        _replaced("idbench.suites.folder.lines_of", lambda path: path.read_bytes().splitlines()),
        {"text_in_another_encoding"},
    ),
    "accents are compared byte by byte": (
        _replaced("idbench.models.image_names._normal", str),
        {"accents_composed_otherwise"},
    ),
    "images go to cases by position": (
        _replaced("idbench.models.image_folder.ImageFolder.match", _by_position),
        {"image_of_no_case", "image_missing"},
    ),
    "unreadable images are not said": (_silent("images cannot be read"), {"broken_file"}),
    "unreadable photos are not said": (
        _silent("photos of the suite cannot be read", "copy-paste is undefined"),
        {"broken_file"},
    ),
    "a line does not name its file": (_replaced("idbench.account._first", lambda reasons: "one"), {"broken_file"}),
    "missing images are not said": (_silent("have no image", "lack seeds"), {"image_missing"}),
    "links to nothing are left out silently": (
        _silent("have no image", "lack seeds", "cannot be read"),
        {"link_to_nothing"},
    ),
    "the first of two files is taken silently": (_silent("two files"), {"another_picture_for_the_same_image"}),
    "images beyond the others are scored silently": (_silent("are all scored"), {"image_beyond"}),
    "num_persons is ignored": (
        _all(
            _replaced("idbench.suites.folder.stated_people", lambda value: None),
            _replaced("idbench.suites.multiid_bench.stated_people", lambda value: None),
        ),
        {"wrong_number_of_people", "last_person_missing_and_number_as_text"},
    ),
    "a missing reference moves the others up": (
        _all(
            _replaced("idbench.suites.folder._Photos.people", _present),
            _replaced("idbench.suites.folder.add_problem", lambda *a: None),
            _replaced("idbench.suites.multiid_bench._Row._references", _given),
            _replaced("idbench.suites.multiid_bench.add_problem", lambda *a: None),
        ),
        {"photo_missing", "photo_is_null"},
    ),
    "shares of the size are taken for pixels": (
        _all(_replaced("idbench.suites.boxes._are_shares", lambda boxes: False), BOXES_UNCHECKED),
        {"boxes_of_all_cases_written_otherwise", "boxes_of_one_case_written_otherwise"},
    ),
    "x, y, width, height is taken for corners": (
        _all(_replaced("idbench.suites.boxes.BoxForms.order", "x1, y1, x2, y2"), BOXES_UNCHECKED),
        {"boxes_of_all_cases_written_otherwise"},
    ),
    "other people's boxes are taken": (
        _replaced("idbench.scoring.boxes._unlike", lambda side: None),
        {"people_in_each_others_boxes"},
    ),
    "a case without meta.json is left out silently": (
        _silent("no meta.json", "match no case", "matches no case"),
        {"case_without_meta"},
    ),
    "a case without target is not said": (_silent("have no target", "copy-paste is undefined"), {"no_target"}),
}
"""Fault -> how it is made, and the perturbations that meet it: other examples are left out to save time."""


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_made_on_purpose_is_found(worlds, good, home, tmp_path, monkeypatch, fault):
    plant, only = PLANTED[fault]
    plant(monkeypatch)
    kept = tmp_path / "cache" if "ignored" in fault else home / "cache"  # nothing that was decoded rightly is known
    found = (faults_of(example, good, tmp_path, kept) for example in examples(worlds, range(500), only))
    assert any(found), "no example met it"
