"""What is said of a folder of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from idbench.generate.folder import FolderProducer
from idbench.images import EncodedImage, encode_png
from idbench.models.image_folder import list_images
from idbench.records import Case, Person

IMAGE = encode_png(np.zeros((4, 4, 3), np.uint8))


def producer(root: Path, ids: list[str], *names: str) -> FolderProducer:
    for name in names:
        (root / name).write_bytes(IMAGE)
    return FolderProducer(list_images("m", root).match(ids))


def case(case_id: str) -> Case:
    return Case(case_id, "p", (Person((EncodedImage("r", data=b""),)),))


def test_a_whole_folder_says_nothing(tmp_path):
    assert list(producer(tmp_path, ["a", "b"], "a.png", "b.png").remarks(["a", "b"])) == []


def test_missing_seeds_are_named_by_seed(tmp_path):
    names = ["a--1.png", "a--2.png", "b--1.png", "c--1.png", "c--2.png"]
    given = producer(tmp_path, ["a", "b", "c"], *names)
    [line] = given.remarks(["a", "b", "c"])
    assert line.startswith("m: 1 of 3 cases lack seeds") and line.endswith("first b, seed 2")
    found = [(made.seed, made.outcome, made.error) for made, _ in given.produce(case("b"))]
    assert found[0] == (1, "generated", None)
    assert found[1][:2] == (2, "missing_image") and "case b, seed 2" in found[1][2]


def test_images_beyond_the_usual_number_are_named(tmp_path):
    names = ["a--1.png", "a--2.png", "b--1.png", "c--1.png"]
    [line] = producer(tmp_path, ["a", "b", "c"], *names).remarks(["a", "b", "c"])
    assert line == "m: 1 of 3 cases have more than 1 image, which are all scored; first a, with a--2.png"


def test_every_kind_is_one_counted_line(tmp_path):
    (tmp_path / "far.png").symlink_to(tmp_path.parent / "elsewhere.png")
    lines = list(producer(tmp_path, ["a", "b"], "a.png", "a.jpg", "x.png", "y.png", "z.jp2").remarks(["a", "b"]))
    said = "\n".join(lines)
    assert len(lines) == 5
    for part in (
        "1 of 2 cases have no image",
        "a.jpg, not a.png",
        "1 file is a link",
        "first z.jp2",
        "2 files match no case",
    ):
        assert part in said, part


def test_other_names_are_said(tmp_path):
    [line] = producer(tmp_path, ["a", "b"], "a_0.png", "b_0.png").remarks(["a", "b"])
    assert line == "m: 2 files were taken by other names, such as a_0.png for case a, seed 0"
