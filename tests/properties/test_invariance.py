"""Same inputs, same numbers: whatever the workers, the batch, the order, and the way pixels are stored."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.comparing import assert_same_numbers, numbers
from support.images import encoded
from support.runs import run_here
from support.suites import real_cases, write_suite

from idbench.images import decode
from idbench.records import Case


@pytest.fixture(scope="module")
def cases(real_suite: Path) -> list[Case]:
    return real_cases(real_suite, (1, 1, 2))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("invariance")


@pytest.fixture(scope="module")
def suite(home: Path, cases: list[Case]) -> Path:
    return write_suite(home / "suite", cases)


@pytest.fixture(scope="module")
def wanted(home: Path, cases: list[Case]) -> dict:
    """A model with two seeds, under both protocols and two judges."""
    (home / "images").mkdir()
    for i, case in enumerate(cases):
        (home / "images" / f"{case.id}--0.jpg").write_bytes(case.people[0].references[0].read())
        (home / "images" / f"{case.id}--1.jpg").write_bytes(cases[i - 1].target.read())
    return {"images": {"model": str(home / "images")}, "protocol": "both"}


@pytest.fixture(scope="module")
def plain(home, suite, packs, tmp_cache, wanted) -> Path:
    return run_here(suite, packs, home / "plain", tmp_cache, workers=1, batch=1, **wanted)


@pytest.mark.parametrize(("workers", "batch"), [(3, 1), (1, 4), (3, 7)])
def test_workers_and_batch_do_not_change_the_numbers(suite, packs, plain, wanted, tmp_path, workers, batch):
    """Every network runs anew: nothing comes out of a cache. A batched network may change its last bits."""
    run = run_here(suite, packs, tmp_path / "run", tmp_path / "cache", workers=workers, batch=batch, **wanted)
    if batch == 1:
        assert_same_numbers(run, plain)
    for frame, good in zip(numbers(run)[:3], numbers(plain)[:3], strict=True):
        pd.testing.assert_frame_equal(frame, good, check_exact=False, atol=1e-6, rtol=0)


def test_order_of_a_manifest_does_not_change_the_numbers(home, suite, packs, tmp_cache, plain, wanted, tmp_path):
    lines = (suite / "cases.jsonl").read_text().splitlines()
    moved = tmp_path / "suite"
    moved.mkdir()
    for path in suite.glob("*/*.jpg"):
        (moved / path.parent.name).mkdir(exist_ok=True)
        (moved / path.parent.name / path.name).write_bytes(path.read_bytes())
    for order in (lines[::-1], lines[1:] + lines[:1]):
        (moved / "cases.jsonl").write_text("\n".join(order))
        assert_same_numbers(run_here(moved, packs, tmp_path / "run", tmp_cache, **wanted), plain)


def as_parquet(path: Path, cases: list[Case]) -> Path:
    path.parent.mkdir(parents=True)
    rows = [
        {
            "ID": case.id, "GT": {"bytes": case.target.read(), "path": None}, "prompt": case.prompt,
            "input_images": [{"bytes": person.references[0].read(), "path": None} for person in case.people],
            "bboxes": json.dumps([person.box for person in case.people]) if case.people[0].box else None,
            "subset": case.subset,
        }
        for case in cases
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_row_order_and_number_of_parquet_files_do_not_change_the_numbers(cases, packs, tmp_cache, wanted, tmp_path):
    good = run_here(as_parquet(tmp_path / "a" / "a.parquet", cases), packs, tmp_path / "good", tmp_cache, **wanted)
    turned = as_parquet(tmp_path / "b" / "a.parquet", cases[::-1])
    assert_same_numbers(run_here(turned, packs, tmp_path / "turned", tmp_cache, **wanted), good)
    for i, case in enumerate(cases):
        as_parquet(tmp_path / "c" / str(i) / "one.parquet", [case]).rename(tmp_path / "c" / f"{9 - i}.parquet")
    assert_same_numbers(run_here(tmp_path / "c", packs, tmp_path / "split", tmp_cache, **wanted), good)


def test_parquet_case_folders_and_manifest_give_the_same_numbers(cases, packs, tmp_cache, wanted, tmp_path):
    parquet = run_here(as_parquet(tmp_path / "p" / "a.parquet", cases), packs, tmp_path / "one", tmp_cache, **wanted)
    root = tmp_path / "folders"
    for case in cases:
        (root / case.id).mkdir(parents=True)
        (root / case.id / "ori.jpg").write_bytes(case.target.read())
        for i, person in enumerate(case.people, start=1):
            (root / case.id / f"ref_{i}.jpg").write_bytes(person.references[0].read())
        boxes = [person.box for person in case.people] if case.people[0].box else None
        meta = {"prompt": case.prompt, "subset": case.subset, "bboxes": boxes}
        (root / case.id / "meta.json").write_text(json.dumps(meta))
    assert_same_numbers(run_here(root, packs, tmp_path / "two", tmp_cache, **wanted), parquet)


def test_the_same_pixels_in_another_file_format_give_the_same_numbers(suite, packs, tmp_cache, plain, wanted, tmp_path):
    """Every photo decoded and stored again as PNG: other bytes, same pixels."""
    root, images = tmp_path / "suite", tmp_path / "images"
    for path in suite.glob("*/*.jpg"):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        as_png(path, root / path.parent.name / f"{path.stem}.png")
    (root / "cases.jsonl").write_text((suite / "cases.jsonl").read_text().replace(".jpg", ".png"))
    images.mkdir()
    for path in Path(wanted["images"]["model"]).iterdir():
        as_png(path, images / f"{path.stem}.png")
    run = run_here(root, packs, tmp_path / "run", tmp_cache, **wanted | {"images": {"model": str(images)}})
    [scores, found, photos, summary], [good_scores, good_found, good_photos, good] = numbers(run), numbers(plain)
    clusters = ["cluster", "identity"]
    pd.testing.assert_frame_equal(
        scores.drop(columns=clusters), good_scores.drop(columns=clusters), check_exact=False, rtol=0, atol=1e-6
    )
    hidden = ["digest", "cluster"]
    pd.testing.assert_frame_equal(found.drop(columns=hidden), good_found.drop(columns=hidden), check_exact=True)
    hidden = ["target", "reference", *clusters]
    pd.testing.assert_frame_equal(photos.drop(columns=hidden), good_photos.drop(columns=hidden), check_exact=True)
    means, good_means = (
        {m: v["sim_gt"]["mean"] for m, v in one["recognizers"]["mini-a"]["strict"]["models"].items() if "sim_gt" in v}
        for one in (summary, good)
    )
    assert means == pytest.approx(good_means, abs=1e-9)


def as_png(source: Path, goal: Path) -> None:
    pixels = decode(source.read_bytes())
    goal.write_bytes(encoded(Image.fromarray(pixels), "PNG", compress_level=1))
    assert np.array_equal(decode(goal.read_bytes()), pixels)


def test_order_of_files_on_disk_does_not_matter(suite, packs, tmp_cache, plain, wanted, tmp_path):
    """Files written in another order lie in another order in the directory; more of them change nothing."""
    files = list(Path(wanted["images"]["model"]).iterdir())
    random.Random(3).shuffle(files)
    (tmp_path / "images").mkdir()
    for i, path in enumerate(files):
        (tmp_path / "images" / f"nobody {i}.jpg").write_bytes(b"surplus")
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    changed = wanted | {"images": {"model": str(tmp_path / "images")}}
    assert_same_numbers(run_here(suite, packs, tmp_path / "run", tmp_cache, **changed), plain)


def test_another_model_beside_it_does_not_change_a_models_numbers(suite, packs, tmp_cache, plain, wanted, tmp_path):
    beside = wanted | {"images": {"another": wanted["images"]["model"], **wanted["images"]}}
    scores = numbers(run_here(suite, packs, tmp_path / "run", tmp_cache, **beside))[0]
    own = scores[scores["model"] != "another"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, numbers(plain)[0], check_exact=True)


def test_a_subset_gives_its_cases_the_numbers_of_the_whole(suite, cases, packs, tmp_cache, plain, wanted, tmp_path):
    """All but the stranger, who is another case of what is scored."""
    chosen = cases[0].subset
    run = run_here(suite, packs, tmp_path / "run", tmp_cache, subsets=[chosen], **wanted)
    part, whole = (
        numbers(one)[0].query(f"model != 'oracle-stranger' and subset == {chosen!r}").reset_index(drop=True)
        for one in (run, plain)
    )
    assert len(part)
    same = [name for name in part if name not in ("verified", "over_similar", "cluster", "identity")]
    pd.testing.assert_frame_equal(part[same], whole[same], check_exact=True)
