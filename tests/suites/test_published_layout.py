"""Case folders as people have them: nobody is lost, and nobody takes another's place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import SuiteError
from idbench.images import encode_png
from idbench.suites import index_case, open_suite


def noise(seed: int) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 255, (20, 30, 3), np.uint8))


@pytest.fixture
def case(tmp_path: Path):
    """One case folder with these files; the photos found in it by number, and the problems."""

    def make(*names: str, **meta):
        folder = tmp_path / "c"
        folder.mkdir()
        (folder / "meta.json").write_text(json.dumps({"prompt": "p"} | meta))
        for seed, name in enumerate(names):
            (folder / name).write_bytes(noise(seed))
        opened = open_suite(str(tmp_path))
        [found] = opened.cases()
        return found, opened.problems.get("c", "")

    return make


def names(case):
    target = case.target.path.name if case.target else None
    return target, [person.references[0].path.name for person in case.people]


def test_capitals_and_the_suffixes_of_jpeg_are_understood(case):
    found, problem = case("ORI.JPEG", "REF_1.JPG", "ref_2.jfif", "ref-3.Png")
    assert names(found) == ("ORI.JPEG", ["REF_1.JPG", "ref_2.jfif", "ref-3.Png"]) and not problem


@pytest.mark.parametrize("first", [None, "ref_1.heic", "ref_1.txt"])
def test_a_first_reference_that_cannot_be_read_is_not_replaced_by_the_second(case, first, tmp_path):
    found, problem = case("ori.png", "ref_2.png")
    if first:
        (tmp_path / "c" / first).write_bytes(b"no image")
        opened = open_suite(str(tmp_path))
        [found] = opened.cases()
        problem = opened.problems.get("c", "")
    entry = index_case(found)
    assert len(found.people) == 2 and names(found)[1][1] == "ref_2.png"
    if first == "ref_1.heic":
        assert found.people[0].references[0].path.name == first and not problem
    else:
        assert problem == "a reference is missing: ref_1" and entry.references[0] == ("",)


def test_references_may_be_counted_from_zero(case):
    found, problem = case("ori.png", "ref_0.png", "ref_1.png")
    assert names(found)[1] == ["ref_0.png", "ref_1.png"] and not problem


@pytest.mark.parametrize("stated", [2, 2.0, "2"])
def test_num_persons_is_checked(case, stated):
    found, problem = case("ori.png", "ref_1.png", num_persons=stated)
    assert len(found.people) == 2 and problem == "a reference is missing: ref_2"


@pytest.mark.parametrize("stated", [0, -1, 10**6])
def test_a_number_of_persons_that_cannot_be_adds_nobody(case, stated):
    found, problem = case("ori.png", "ref_1.png", num_persons=stated)
    assert len(found.people) == 1 and f"{stated}, not 1" in problem


@pytest.mark.parametrize("name", ["boxes", "bbox", "BBoxes", "face_boxes"])
def test_boxes_under_another_name_are_named(case, name):
    _, problem = case("ori.png", "ref_1.png", **{name: [[1, 2, 9, 12]]})
    assert problem == f"boxes are read from bboxes, not from {name}"


def test_a_field_that_is_no_box_is_nothing(case):
    assert case("ori.png", "ref_1.png", inbox="x", bboxes=[[1, 2, 9, 12]], boxes=[[1, 2, 9, 12]])[1] == ""


def test_fewer_persons_than_references_is_a_problem(case):
    found, problem = case("ori.png", "ref_1.png", "ref_2.png", num_persons=1)
    assert len(found.people) == 2 and "num_persons" in problem


def test_two_files_for_one_photo_are_named(case):
    found, problem = case("ori.jpg", "ori.png", "ref_1.png", "ref_1.webp")
    assert names(found) == ("ori.jpg", ["ref_1.png"])
    assert "ori.jpg, ori.png" in problem and "ref_1.png, ref_1.webp" in problem


def test_hidden_files_outputs_and_texts_are_nothing(case):
    found, problem = case(
        "ori.png", "ref_1.png", "._ref_2.png", ".DS_Store", "out.png", "7.png", "ref_2.txt", "mask.png"
    )
    assert names(found) == ("ori.png", ["ref_1.png"]) and not problem


def test_photos_of_other_names_are_named(case):
    found, problem = case("target.png", "ref_1.png", "ref_anna.png")
    assert found.target is None and "ref_anna.png, target.png" in problem


def test_a_folder_without_meta_is_named(case, tmp_path):
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "ref_1.jpg").write_bytes(noise(1))
    (tmp_path / "notes").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "meta.json").write_text('{"prompt": "p"}')
    case("ori.png", "ref_1.png")
    opened = open_suite(str(tmp_path))
    assert [one.id for one in opened.cases()] == ["c"]
    assert list(opened.problems) == ["lost"] and "no meta.json" in opened.problems["lost"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_meta_may_have_a_byte_order_mark(case, tmp_path, encoding):
    case("ori.png", "ref_1.png")
    (tmp_path / "c" / "meta.json").write_bytes('{"prompt": "Zoë"}'.encode(encoding))
    [found] = open_suite(str(tmp_path)).cases()
    assert found.prompt == "Zoë"


def test_an_id_in_meta_json_that_is_not_the_folders_name_is_named(case):
    found, problem = case("ori.png", "ref_1.png", id="d")
    assert found.id == "c" and problem == "the folder's name is used, not the id in meta.json: 'd'"


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "meta.json").write_text('{"prompt": "p", "bboxes": [], "bboxes": null}')
    (tmp_path / "lines").mkdir()
    person = '{"references": ["a.png"], "identity": "x", "identity": "y"}'
    (tmp_path / "lines" / "cases.jsonl").write_text(f'\n{{"id": "a", "prompt": "p", "people": [{person}]}}')
    with pytest.raises(SuiteError, match=r"c/meta\.json: .*'bboxes' is there twice"):
        list(open_suite(str(tmp_path)).cases())
    with pytest.raises(SuiteError, match=r"cases\.jsonl, line 2: the key 'identity' is there twice"):
        list(open_suite(str(tmp_path / "lines")).cases())


def test_a_case_without_its_only_reference_keeps_its_person(case):
    found, problem = case("ori.png")
    assert len(found.people) == 1 and problem == "a reference is missing: ref_1"
    assert list(index_case(found).unreadable()) == ["c/ref_1.jpg"]


def test_a_field_of_people_that_stands_in_the_case_is_explained(tmp_path):
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "prompt": "p", "references": ["a.png"]}')
    with pytest.raises(SuiteError, match="'references' is said of each person; write it in people"):
        list(open_suite(str(tmp_path)).cases())
