"""Parquet of the same content in other columns, folders and paddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from idbench.errors import SuiteError
from idbench.images import encode_png
from idbench.suites import SuiteIndex, index_case, open_suite

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def image(seed: int) -> dict:
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), np.uint8)
    return {"bytes": encode_png(pixels), "path": None}


def columns() -> dict[str, pa.Array]:
    """Two cases of two people."""
    return {
        "ID": pa.array(["a", "b"]),
        "GT": pa.array([image(1), image(2)], IMAGE),
        "input_images": pa.array([[image(3), image(4)], [image(5), image(6)]], pa.list_(IMAGE)),
        "prompt": pa.array(["one", "two"]),
    }


def write(path: Path, changed: dict[str, pa.Array]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns() | changed), path)
    return path


def read(path: Path) -> tuple[SuiteIndex, dict[str, str]]:
    index, opened = SuiteIndex(), open_suite(path)
    for case in opened.cases():
        index.add(index_case(case))
    return index, opened.problems


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> str:
    return read(write(tmp_path_factory.mktemp("plain") / "x.parquet", {}))[0].fingerprint


FORMS = {
    "dictionary": {"prompt": pa.array(["one", "two"]).dictionary_encode(), "ID": pa.array(["a", "b"]).dictionary_encode()},
    "large": {"prompt": pa.array(["one", "two"], pa.large_string())},
    "view": {"prompt": pa.array(["one", "two"], pa.string_view())},
    "large list": {"input_images": columns()["input_images"].cast(pa.large_list(IMAGE))},
    "fixed list": {"input_images": pa.array([[image(3), image(4)], [image(5), image(6)]], pa.list_(IMAGE, 2))},
    "bare bytes": {"GT": pa.array([image(1)["bytes"], image(2)["bytes"]], pa.large_binary())},
    "binary view": {"GT": pa.array([image(1)["bytes"], image(2)["bytes"]], pa.binary_view())},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_columns_of_other_types_hold_the_same_suite(plain, tmp_path, form):
    assert read(write(tmp_path / "x.parquet", FORMS[form]))[0].fingerprint == plain


@pytest.mark.parametrize(
    "place", ["x.parquet", "data/x.parquet", "p2/x.parquet", "default/train/0.parquet", "X.PARQUET"]
)
def test_files_may_lie_one_or_two_folders_down(plain, tmp_path, place):
    write(tmp_path / place, {})
    (tmp_path / place).with_name("._" + Path(place).name).write_bytes(b"\0\5\26\7")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "y.parquet").write_bytes(b"")
    assert read(tmp_path)[0].fingerprint == plain


def test_a_path_without_bytes_is_read_inside_the_suite(plain, tmp_path):
    (tmp_path / "images").mkdir()
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / "images" / f"{name}.png").write_bytes(image(seed)["bytes"])
    paths = [{"bytes": None, "path": "images/a.png"}, {"bytes": None, "path": "images\\b.png"}]
    write(tmp_path / "data" / "x.parquet", {"GT": pa.array(paths, IMAGE)})
    assert read(tmp_path)[0].fingerprint == plain


@pytest.mark.parametrize("path", ["images/gone.png", "../secret.png", str(Path(__file__).resolve())])
def test_a_path_that_is_not_there_is_a_photo_that_cannot_be_read(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(image(1)["bytes"])
    paths = [{"bytes": None, "path": path}, image(2)]
    index, problems = read(write(tmp_path / "suite" / "x.parquet", {"GT": pa.array(paths, IMAGE)}))
    assert list(problems) == ["a"] and "a path and no bytes" in problems["a"]
    entry = index.entries["a"]
    assert entry.target in entry.not_photos and index.counts().without_target == 0


def images(*photos) -> dict[str, pa.Array]:
    return {"input_images": pa.array([photos, [image(5), image(6)]], pa.list_(IMAGE))}


NOTHING = {"bytes": None, "path": None}
EMPTY = {"bytes": b"", "path": None}


@pytest.mark.parametrize("padding", [[None, None], [NOTHING], [EMPTY, None]])
@pytest.mark.parametrize("stated", [None, [2, 2]])
def test_padding_is_nobody(plain, tmp_path, padding, stated):
    more = {"num_persons": pa.array(stated, pa.int32())} if stated else {}
    boxes = {"bboxes": pa.array(["[[1, 2, 9, 12], [11, 2, 19, 12], null, null]", None])} if len(padding) > 1 else {}
    index, problems = read(write(tmp_path / "x.parquet", images(image(3), image(4), *padding) | more | boxes))
    assert problems == {} and index.counts().people == 4 and index.counts().clusters == 2
    assert boxes or index.fingerprint == plain
    assert not boxes or index.entries["a"].boxes == ((1, 2, 9, 12), (11, 2, 19, 12))


def test_a_reference_that_is_missing_in_between_stays_a_person(tmp_path):
    index, problems = read(write(tmp_path / "x.parquet", images(None, image(4))))
    assert index.entries["a"].size == 2 and problems == {"a": "a reference is missing: ref_1"}


def test_a_last_reference_that_num_persons_counts_is_missing(tmp_path):
    more = {"num_persons": pa.array([2, 2], pa.int32())}
    index, problems = read(write(tmp_path / "x.parquet", images(image(3), None) | more))
    assert index.entries["a"].size == 2 and problems == {"a": "a reference is missing: ref_2"}


def test_num_persons_is_checked(tmp_path):
    more = {"num_persons": pa.array([1, 2], pa.int32())}
    index, problems = read(write(tmp_path / "x.parquet", more))
    assert index.entries["a"].size == 2 and "num_persons" in problems["a"] and list(problems) == ["a"]


def test_a_pointer_in_place_of_parquet_is_named(tmp_path):
    (tmp_path / "x.parquet").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(SuiteError, match="Git LFS pointer"):
        open_suite(tmp_path)
