"""Names and files made to mislead: nothing leaves its folder, nothing runs, and mistakes are said in one line."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.comparing import ledger, outcomes
from support.runs import error_line, idbench, run_here
from support.suites import write_manifest

from idbench.config import load_config
from idbench.errors import ConfigError, IdbenchError, SuiteError
from idbench.models.image_folder import list_images
from idbench.records import Case
from idbench.suites import SuiteIndex, case_filename, index_case, open_suite, parse_boxes
from idbench.tables import read_tables

IDS = [
    "a/b", "..", "../../up", ".hidden", "with space", "quote'\"`", "<b>bold</b>", "line\nbreak", "%2e%2e", "a%2Fb",
    "ünï", "日本語" * 40, "/" * 120, "x" * 150, "name--3", "CON", "-rf", "a\\b",
]  # fmt: skip
PROMPT = "</script><script>alert('idbench')</script><img src=x onerror=alert(1)> {{ 7 * 7 }} | & $x_1$ \\input{x}"


@pytest.fixture
def root(case: Case, tmp_path: Path) -> Path:
    """A suite's folder with one photo, and one beside it that no suite may name."""
    (tmp_path / "suite").mkdir()
    for path in (tmp_path / "suite" / "photo.jpg", tmp_path / "secret.jpg"):
        path.write_bytes(case.target.read())
    (tmp_path / "suite" / "reference.jpg").write_bytes(case.people[0].references[0].read())
    return tmp_path / "suite"


def row(case_id: str, photo: str = "photo.jpg", **more) -> dict:
    return {"id": case_id, "prompt": "p", "target": photo, "people": [{"references": ["reference.jpg"]}]} | more


def read_all(suite: Path) -> list[Case]:
    index = SuiteIndex()
    cases = list(open_suite(str(suite)).cases())
    for case in cases:
        index.add(index_case(case))
    assert len(index.fingerprint) == 64
    return cases


def refusal(suite: Path) -> str:
    with pytest.raises(SuiteError) as caught:
        read_all(suite)
    message = " ".join(str(caught.value).split())
    assert len(message) < 400
    return message


def test_strange_case_ids_are_scored_like_any_other(case, root, packs, tmp_cache):
    two = [{"references": ["photo.jpg"]}, {"references": ["reference.jpg"]}]
    rows = [row(case_id, prompt=PROMPT, subset="<i>p1</i>", people=two) for case_id in IDS]
    folder = root.parent / "<model>"
    folder.mkdir()
    for case_id in IDS:
        (folder / f"{case_filename(case_id)}.jpg").write_bytes(case.target.read())
    before = sorted(path for path in root.parent.iterdir())
    run = root.parent / "run"
    images = {"m'odel & co": str(folder)}
    run_here(write_manifest(root, rows), packs, run, tmp_cache, images=images, gallery=60, protocol="both")
    scores, found, _ = read_tables(run)
    assert len(found) == 5 * len(IDS) and len(scores.query("protocol == 'strict'")) == 10 * len(IDS)
    assert not {"missing_image", "unreadable_image"} & set(found["outcome"])
    assert {line["case"] for line in ledger(run)} == set(IDS)
    assert sorted(path for path in root.parent.iterdir() if path != run) == before
    pasted = {path for path in (run / "images").rglob("*") if path.is_file()}
    assert len(pasted) >= len(IDS) and all(path.parent.parent == run / "images" for path in pasted)
    for page in [run / "report.html", *run.glob("tables/*")]:
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".html":
            assert "<script>alert" not in text and "<img src=x" not in text
            assert "<b>bold" not in text and "<i>p1" not in text


def test_file_names_of_cases_are_distinct_short_and_stay_where_they_are():
    names = [case_filename(case_id) for case_id in IDS]
    assert len(set(names)) == len(IDS)
    for name in names:
        assert "/" not in name and "\\" not in name and not name.startswith(".") and "\n" not in name
        assert len(f"{name}--123456789012345678.jpeg".encode()) <= 255


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_images_are_found_in_either_unicode_form(case, root, packs, tmp_cache, form):
    folder = root.parent / "images"
    folder.mkdir()
    (folder / f"{unicodedata.normalize(form, 'Zoë é')}.jpg").write_bytes(case.target.read())
    suite = write_manifest(root, [row(unicodedata.normalize("NFC" if form == "NFD" else "NFD", "Zoë é"))])
    run = run_here(suite, packs, root.parent / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    assert list(outcomes(run, "m").values()) == ["scored"]


def test_ids_that_differ_only_in_unicode_form_are_one_id(root):
    forms = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    assert "twice" in refusal(write_manifest(root, [row(form) for form in forms]))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("a"), row("a")], "twice"),
        ([row("")], "1 to 150 characters"),
        ([row("x" * 151)], "1 to 150 characters"),
        ([row("a", "../secret.jpg")], "outside"),
        ([row("a", "/etc/passwd")], "outside"),
        ([row("a", "deep/../../secret.jpg")], "outside"),
        ([row("a", "link.jpg")], "outside"),
        ([row("a", "loop.jpg")], "loop.jpg"),
        ([row("a", "nul\0.jpg")], "nul"),
        ([row("a", people=[])], "people"),
        ([row("a", people=[{"references": []}])], "references"),
        ([row("a", people=[{"references": ["../secret.jpg"]}])], "outside"),
        ([row("a", surprise=1)], "surprise"),
        ([row("a", prompt=None)], "prompt"),
        ([row("a", prompt="lone \ud800 half")], "line 1"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_meant_is_refused_in_one_line(root, rows, expected):
    (root / "link.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    assert expected in refusal(write_manifest(root, rows))


@pytest.mark.parametrize("text", [b"not json\n", b'{"id": "a"', b"[]\n", b"\xff\xfe\n", b"[" * 100_000, b"\n\n", b"\0"])
def test_a_manifest_that_is_no_manifest_is_refused_in_one_line(root, text):
    (root / "cases.jsonl").write_bytes(text)
    refusal(root)


@pytest.mark.parametrize(
    "meta",
    [b"", b"[]", b"{}", b'"text"', b"null", b"\xff", b"[" * 100_000, b'{"prompt": "\\ud800"}', b'{"prompt": "p"'],
)
def test_case_folders_that_are_none_are_refused_in_one_line(root, meta):
    (root / "c1").mkdir()
    (root / "c1" / "meta.json").write_bytes(meta)
    (root / "photo.jpg").rename(root / "c1" / "ref_1.jpg")
    refusal(root)


def test_a_case_folder_that_leads_outside_is_refused(root):
    (root.parent / "elsewhere").mkdir()
    (root.parent / "elsewhere" / "meta.json").write_text('{"prompt": "p"}')
    (root / "c1").symlink_to(root.parent / "elsewhere")
    assert "outside" in refusal(root)


def test_a_folder_name_that_is_no_text_is_refused_in_one_line(root):
    folder = Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9"))
    folder.mkdir()
    (folder / "meta.json").write_text('{"prompt": "p"}')
    (folder / "ref_1.jpg").write_bytes(b"")
    refusal(root)


BAD_BOXES = [
    "[", "[[1, 2, 3]]", "[[1, 2, 3, 4], [1, 2, 3, 4]]", "[[4, 4, 1, 1]]", "[[0, 0, NaN, 1]]", '[["a", 1, 2, 3]]', "7",
    "[[0, 0, 1e999, 1]]", '{"0": [1, 2, 3, 4]}', "[null]", "[" * 100_000, f"[[0, 0, {'9' * 400}, 1]]", "[[0, 0, 1, " + "9" * 5000 + "]]",
]  # fmt: skip


@pytest.mark.parametrize("boxes", BAD_BOXES)
def test_boxes_that_are_none_raise_one_known_error(boxes):
    with pytest.raises(ValueError) as caught:
        parse_boxes(boxes, 1)
    assert len(str(caught.value)) < 300


def test_malformed_boxes_keep_the_case_and_record_the_problem(case, root, packs, tmp_cache):
    image = {"bytes": case.target.read(), "path": None}
    reference = {"bytes": case.people[0].references[0].read(), "path": None}
    rows = [
        {"ID": f"c{i}", "GT": image, "input_images": [reference], "prompt": "p", "bboxes": boxes}
        for i, boxes in enumerate([*BAD_BOXES, None, ""])
    ]
    pq.write_table(pa.Table.from_pylist(rows), root / "suite.parquet")
    (root / "photo.jpg").unlink()
    run = run_here(root, packs, root.parent / "run", tmp_cache)
    assert set(outcomes(run, "oracle-target").values()) == {"scored"}
    problems = json.loads((run / "run.json").read_text())["counts"]["suite_problems"]
    assert set(problems) == {f"c{i}" for i in range(len(BAD_BOXES))}


def test_malformed_boxes_of_a_manifest_keep_the_case(root):
    people = [{"references": ["photo.jpg"], "box": [5, 5, 1, 1]}]
    suite = open_suite(str(write_manifest(root, [row("a", people=people)])))
    assert [case.people[0].box for case in suite.cases()] == [None]
    assert "box of person 1 ignored" in suite.problems["a"]


def parquet(root: Path, **columns) -> Path:
    """A one-row suite, some of its columns replaced."""
    image = {"bytes": b"no picture", "path": "x.jpg"}
    whole = {"ID": ["c1"], "GT": [image], "input_images": [[image]], "prompt": ["p"]} | columns
    pq.write_table(pa.table({k: v for k, v in whole.items() if v is not None}), root / "suite.parquet")
    return root / "suite.parquet"


@pytest.mark.parametrize(
    "columns",
    [
        {"ID": None}, {"GT": None}, {"input_images": None}, {"prompt": None},
        {"GT": ["a path"]}, {"GT": [7]}, {"GT": [{"size": 3}]}, {"GT": [["list"]]},
        {"input_images": [7]}, {"input_images": ["a path"]}, {"input_images": [["a path"]]}, {"input_images": [{"bytes": b""}]},
        {"prompt": [["p"]]}, {"ID": [{"a": 1}]}, {"prompt": [3.5]},
        {"input_images": [[]]}, {"input_images": pa.array([None], pa.list_(pa.binary()))}, {"ID": pa.array([None], pa.string())},
        {"prompt": pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0])), pa.py_buffer(b"\xff\xfe")])},
    ],
)  # fmt: skip
def test_parquet_of_another_shape_is_refused_in_one_line(root, columns):
    refusal(parquet(root, **columns))


def test_plain_bytes_will_do_for_an_image_column(root, case):
    data = case.target.read()
    [found] = read_all(parquet(root, GT=[data], input_images=[[data]]))
    assert found.target.read() == found.people[0].references[0].read() == data


@pytest.mark.parametrize("keep", [0, 3, 100, 0.5, 0.98])
def test_truncated_parquet_is_refused_in_one_line(root, keep):
    path = parquet(root)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if keep < 1 else keep])
    assert "parquet" in refusal(path)


def test_parquet_damaged_inside_is_refused_in_one_line(root, case):
    image = {"bytes": case.target.read(), "path": None}
    path = parquet(root, GT=[image], input_images=[[image]])
    data = bytearray(path.read_bytes())
    for at in range(4, len(data) // 2, 97):
        data[at] ^= 0xFF
    path.write_bytes(data)
    try:
        read_all(path)
    except SuiteError as error:
        assert "\n" not in str(error)
    header = bytearray(path.read_bytes())
    header[4:40] = b"\xff" * 36
    path.write_bytes(header)
    refusal(path)


def test_images_outside_the_folder_are_never_opened(case, root, packs, tmp_cache):
    folder = root.parent / "images"
    (folder / "sub").mkdir(parents=True)
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "out.jpg").write_bytes(case.target.read())
    (folder / "file.jpg").symlink_to(root.parent / "secret.jpg")
    (folder / "dir").symlink_to(outside)
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nothing.jpg")
    (folder / "inside.jpg").symlink_to(folder / "real.png")
    (folder / "real.png").write_bytes(case.target.read())
    suite = write_manifest(root, [row(name) for name in ("file", "dir", "loop", "gone", "inside")])
    run = run_here(suite, packs, root.parent / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    found = outcomes(run, "m")
    assert found["file"] == found["dir"] == "missing_image"
    assert found["inside"] == "scored"
    assert found["loop"] in ("missing_image", "unreadable_image")
    assert found["gone"] in ("missing_image", "unreadable_image")
    surplus = json.loads((run / "run.json").read_text())["counts"]["surplus_files"]["m"]["first"]
    assert {"file.jpg", "dir/out.jpg", "real.png"} <= set(surplus)


def test_image_names_that_are_no_text_are_surplus(case, root, packs, tmp_cache):
    folder = root.parent / "images"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(case.target.read())
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(case.target.read())
    suite = write_manifest(root, [row("a")])
    run = run_here(suite, packs, root.parent / "run", tmp_cache, images={"m": str(folder)}, oracles=False)
    assert outcomes(run, "m") == {"a": "scored"}
    assert json.loads((run / "run.json").read_text())["counts"]["surplus_files"]["m"]["count"] == 1


def test_an_image_folder_whose_name_is_no_text_is_refused_or_scored(case, root, packs, tmp_cache):
    folder = Path(os.fsdecode(os.fsencode(root.parent) + b"/im\xe9ges"))
    folder.mkdir()
    (folder / "a.jpg").write_bytes(case.target.read())
    suite = write_manifest(root, [row("a")])
    with pytest.raises(IdbenchError):
        run_here(suite, packs, root.parent / "run", tmp_cache, images={"m": str(folder)}, oracles=False)


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "..", ".", "", "<b>x</b>", 'q"uote', "back\\slash", "line\nbreak", "oracle-target", "oracle-mine", "x" * 101, "\udcff"],
)  # fmt: skip
def test_model_names_that_could_mislead_are_refused_in_one_line(name, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"suite": "s", "images": {name: str(tmp_path)}})
    assert len(str(caught.value)) < 300


def test_a_model_name_with_a_path_is_refused_on_the_command_line(root, tmp_path):
    write_manifest(root, [row("a")])
    line = error_line(idbench("run", "--suite", root, "--images", f"../up={tmp_path}", "--recognizer", "x"))
    assert "cannot be a model name" in line and "../up" in line


def test_two_files_for_one_case_are_one_image_and_one_surplus(tmp_path):
    for name in ("a.jpg", "a.png", "a--0.webp"):
        (tmp_path / name).write_bytes(b"x")
    matched = list_images("m", str(tmp_path)).match(["a"])
    assert list(matched.files["a"]) == [0] and len(matched.surplus) == 2
