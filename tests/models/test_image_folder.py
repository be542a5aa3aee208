"""Images named by case: what counts, what is understood, and what is said where nothing matches."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import ConfigError
from idbench.images import encode_png
from idbench.models.image_folder import MatchedImages, list_images
from idbench.models.image_names import CaseNames

IMAGE = encode_png(np.zeros((4, 4, 3), np.uint8))


def fill(root: Path, *names: str, data: bytes = IMAGE) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def match(root: Path, ids: list[str], named: tuple[Path, ...] = ()) -> MatchedImages:
    return list_images("m", root, named).match(ids)


def found(matched: MatchedImages) -> dict[str, dict[int, str]]:
    root = matched.root
    return {
        case: {seed: str(path.relative_to(root)) for seed, path in seeds.items()}
        for case, seeds in sorted(matched.files.items())
    }


def refusal(root: Path, ids: list[str]) -> str:
    with pytest.raises(ConfigError) as caught:
        match(root, ids)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("r1.png", 0), ("r1.JPG", 0), ("r1.jfif", 0), ("r1.Avif", 0), ("r1", 0), ("r1--7.webp", 7), ("r1/out.jpg", 0),
        ("r1/output_0.png", 0), ("r1/7.png", 7), ("r1/00000.png", 0), ("r1/out--3.png", 3), ("r1/out", 0),
        ("r1/r1.png", 0), ("r1/r1--8.png", 8),
        # where no file has a name by the rules
        ("r1_0.png", 0), ("r1-seed42.png", 42), ("r1_seed_42.png", 42), ("r1_s3.jpg", 3), ("r1.4.png", 4), ("r1 (5).png", None),
        ("r1_00001_.png", 1), ("R1.png", 0), ("R1--2.png", 2), ("r1/output_1.png", 1), ("r1/image-2.png", 2), ("r1/seed42.png", 42),
        ("R1/out.png", 0),
    ],
)  # fmt: skip
def test_a_name_stands_for_a_case_and_a_seed(tmp_path, name, seed):
    fill(tmp_path, name)
    if seed is None:
        assert "r1.png" in refusal(tmp_path, ["r1", "r2"])
        return
    assert found(match(tmp_path, ["r1", "r2"])) == {"r1": {seed: name}}


@pytest.mark.parametrize("name", ["a_0.png", "a-seed1.png", "A.png"])
def test_other_names_are_surplus_where_one_is_by_the_rules(tmp_path, name):
    """`a_0` may be another case, of a subset that was not asked for."""
    matched = match(fill(tmp_path, name, "b.png"), ["a", "b"])
    assert found(matched) == {"b": {0: "b.png"}} and matched.surplus == (name,) and not matched.loosely


def test_ids_that_are_file_names_match_them(tmp_path):
    fill(tmp_path, "a.jpg", "b.png", "c.jpg", "c.jpg.png", "d--4.webp")
    matched = match(tmp_path, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert found(matched) == {
        "a.jpg": {0: "a.jpg"},
        "b.jpg": {0: "b.png"},
        "c.jpg": {0: "c.jpg"},
        "d.jpg": {4: "d--4.webp"},
    }
    assert matched.clashes == (("c.jpg", "c.jpg.png"),)


def test_two_ids_of_one_stem_keep_apart(tmp_path):
    matched = match(fill(tmp_path, "a.jpg", "a.png"), ["a.jpg", "a.png"])
    assert found(matched) == {"a.jpg": {0: "a.jpg"}, "a.png": {0: "a.png"}} and not matched.clashes


def test_ids_with_dots_and_slashes_match(tmp_path):
    fill(tmp_path, "v1.5.png", "v1.6", "p2/x.png", "p2%2Fy.png")
    ids = ["v1.5", "v1.6", "p2/x", "p2/y"]
    assert set(found(match(tmp_path, ids))) == set(ids)


def test_two_files_for_one_image_are_a_clash(tmp_path):
    matched = match(fill(tmp_path, "a.jpeg", "a.jpg", "a--1.png"), ["a"])
    assert found(matched) == {"a": {0: "a.jpeg", 1: "a--1.png"}}
    assert matched.clashes == (("a.jpeg", "a.jpg"),) and matched.surplus == ("a.jpg",)


def test_hidden_files_and_texts_are_nothing(tmp_path):
    fill(tmp_path, "a.png", "._a.png", ".DS_Store", ".cache/a.png", "__MACOSX/a.png", "a.txt", "a.json", "notes/a.md")
    matched = match(tmp_path, ["a"])
    assert found(matched) == {"a": {0: "a.png"}} and not matched.surplus and not matched.clashes and not matched.unread


def test_formats_that_are_not_read_are_listed(tmp_path):
    matched = match(fill(tmp_path, "a.png", "b.jp2", "c.psd"), ["a", "b", "c"])
    assert found(matched) == {"a": {0: "a.png"}} and matched.unread == ("b.jp2", "c.psd")
    (tmp_path / "a.png").unlink()
    assert "2 files are of image formats" in refusal(tmp_path, ["a", "b", "c"])


def test_links_are_followed_inside_what_the_user_named(tmp_path):
    out = fill(tmp_path / "out", "a.png")
    fill(tmp_path / "shared", "b.png")
    (out / "b.png").symlink_to(tmp_path / "shared" / "b.png")
    matched = match(out, ["a", "b"])
    assert found(matched) == {"a": {0: "a.png"}} and matched.links == ("b.png",)
    assert set(found(match(out, ["a", "b"], (tmp_path / "shared",)))) == {"a", "b"}
    (out / "a.png").unlink()
    assert "links that lead outside" in refusal(out, ["a", "b"]) and "cp -rL" in refusal(out, ["a", "b"])


def test_outputs_in_the_hub_cache_are_read_through_their_links(tmp_path):
    repository = fill(tmp_path / "datasets--me--outputs", "blobs/0f")
    snapshot = repository / "snapshots" / "abc" / "m"
    snapshot.mkdir(parents=True)
    (snapshot / "a.png").symlink_to(os.path.relpath(repository / "blobs" / "0f", snapshot))
    assert set(found(match(snapshot, ["a"]))) == {"a"}


def test_the_subfolder_that_matches_is_named(tmp_path):
    fill(tmp_path, "run/images/a.png", "run/images/b.png", "grid.png")
    assert f"--images m={tmp_path / 'run' / 'images'}" in refusal(tmp_path, ["a", "b"])


def test_several_subfolders_that_match_are_named(tmp_path):
    fill(tmp_path, "x/a.png", "y/a.png")
    said = refusal(tmp_path, ["a"])
    assert f"--images x={tmp_path / 'x'}" in said and "also in y" in said


@pytest.mark.parametrize(
    ("names", "ids", "said"),
    [
        (["img_r001_final.png"], ["r001", "r002"], "rename img_r001_final.png to r001.png"),
        (["00012.png"], ["12", "13"], "rename 00012.png to 12.png"),
        (["00000.png", "00001.png"], ["anna", "bert"], "files are numbered"),
        (["ComfyUI_00001_.png"], ["anna"], "files are numbered"),
        (["foo.png"], ["anna"], "the image of anna to anna.png"),
        ([], ["anna"], "holds no images"),
    ],
)
def test_where_nothing_matches_the_rename_is_named(tmp_path, names, ids, said):
    assert said in refusal(fill(tmp_path, *names), ids)


def test_a_rename_is_only_said_where_it_is_clear():
    names = CaseNames(["r1", "r12", "a"])
    assert names.rename(Path("x_r12.png")) == "r12.png"
    assert names.rename(Path("x_r123.png")) is None
    assert names.rename(Path("bar.png")) is None


def test_a_case_that_is_called_like_a_photo_of_a_suite_has_its_image(tmp_path):
    fill(tmp_path, "ref_1.png", "ori.png", "x/ref_1.png", "x/out.png", "ref_2.png")
    ids = ["ref_1", "ori", "x"]
    matched = match(tmp_path, ids)
    assert found(matched) == {"ori": {0: "ori.png"}, "ref_1": {0: "ref_1.png"}, "x": {0: "x/out.png"}}
    assert matched.surplus == ()


def test_numbers_in_a_folder_that_is_a_number_are_seeds(tmp_path):
    fill(tmp_path, "0/0.png", "0/1.png", "1/0.png", "1/1.png", "2/2.png", "3/3--4.png")
    assert found(match(tmp_path, ["0", "1", "2", "3"])) == {
        "0": {0: "0/0.png", 1: "0/1.png"},
        "1": {0: "1/0.png", 1: "1/1.png"},
        "2": {0: "2/2.png"},
        "3": {4: "3/3--4.png"},
    }
