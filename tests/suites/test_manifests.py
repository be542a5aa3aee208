"""Manifests as editors, other systems and download tools leave them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import SuiteError
from idbench.images import encode_png
from idbench.suites import SuiteIndex, index_case, open_suite

ROWS = [
    {"id": f"c{i}", "prompt": "Zoë läuft", "target": f"c{i}/ori.png", "people": [{"references": [f"c{i}/ref.png"]}]}
    for i in range(3)
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def photos(root: Path) -> Path:
    """Noise for three cases."""
    rng = np.random.default_rng(3)
    for row in ROWS:
        (root / row["id"]).mkdir(parents=True)
        for name in ("ori", "ref"):
            pixels = rng.integers(0, 255, (20, 30, 3), np.uint8)
            (root / row["id"] / f"{name}.png").write_bytes(encode_png(pixels))
    return root


def fingerprint(suite: Path | str) -> str:
    index = SuiteIndex()
    for case in open_suite(str(suite)).cases():
        entry = index_case(case)
        assert all(photo.digest for photo in entry.case.images()), "every photo was read"
        index.add(entry)
    return index.fingerprint


@pytest.fixture
def plain(tmp_path: Path) -> str:
    root = photos(tmp_path / "plain")
    (root / "cases.jsonl").write_text(LINES, encoding="utf-8")
    return fingerprint(root)


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode("utf-8-sig"),
        LINES.replace("\n", "\r\n").encode("utf-8-sig"),
        LINES.encode("utf-16"),
        LINES.replace("\n", "\r\n").encode("utf-16-be"),
        LINES.encode("utf-16-le"),
        LINES.rstrip().encode(),
        LINES.replace("/", "\\\\").encode(),
        LINES.replace('"c1/', '"./c1/').encode(),
    ],
    ids=["bom", "crlf", "utf-16", "utf-16-be", "utf-16-le", "no last newline", "windows", "dot"],
)
def test_the_same_manifest_written_otherwise_is_the_same_suite(plain, tmp_path, data):
    root = photos(tmp_path / "other")
    (root / "cases.jsonl").write_bytes(data)
    assert fingerprint(root) == plain


def test_a_manifest_may_be_given_itself_under_any_name(plain, tmp_path):
    root = photos(tmp_path / "other")
    (root / "mine.jsonl").write_text(LINES, encoding="utf-8")
    assert fingerprint(root / "mine.jsonl") == plain


def test_a_snapshot_of_the_hub_cache_is_read_through_its_links(plain, tmp_path):
    whole = photos(tmp_path / "whole")
    (whole / "cases.jsonl").write_text(LINES, encoding="utf-8")
    repository = tmp_path / "hub" / "datasets--a--faces"
    (repository / "blobs").mkdir(parents=True)
    snapshot = repository / "snapshots" / "abc"
    for number, file in enumerate(sorted(path for path in whole.rglob("*") if path.is_file())):
        (repository / "blobs" / str(number)).write_bytes(file.read_bytes())
        link = snapshot / file.relative_to(whole)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(repository / "blobs" / str(number), link.parent))
    assert fingerprint(snapshot) == fingerprint(snapshot / "cases.jsonl") == plain
    (tmp_path / "short").symlink_to(snapshot)
    assert fingerprint(tmp_path / "short") == plain
    (snapshot / "c0" / "ref.png").unlink()
    (snapshot / "c0" / "ref.png").symlink_to(whole / "c0" / "ref.png")
    with pytest.raises(SuiteError, match=r"is a link that leads outside.*cp -rL"):
        fingerprint(snapshot)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("../../blobs/0f3a", "path of a link, copied as text"),
        (json.dumps(ROWS, indent=1), "JSON over several lines"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("<!DOCTYPE html><title>Sign in</title>", "HTML page"),
    ],
)
def test_what_a_manifest_is_instead_is_said(tmp_path, text, said):
    (tmp_path / "cases.jsonl").write_text(text)
    with pytest.raises(SuiteError, match=said):
        fingerprint(tmp_path)


@pytest.mark.parametrize("path", ["..\\secret.png", "C:\\photos\\a.png", "a\\..\\..\\secret.png"])
def test_windows_paths_stay_inside_too(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "suite").mkdir()
    row = {"id": "a", "prompt": "p", "people": [{"references": [path]}]}
    (tmp_path / "suite" / "cases.jsonl").write_text(json.dumps(row))
    with pytest.raises(SuiteError, match="leads outside"):
        fingerprint(tmp_path / "suite")


def test_a_suite_one_level_away_is_named(tmp_path):
    root = photos(tmp_path / "outer" / "inner")
    (root / "cases.jsonl").write_text(LINES, encoding="utf-8")
    for given in (tmp_path / "outer", root / "c1"):
        with pytest.raises(SuiteError, match=r"there is one in .*inner"):
            open_suite(given)


def test_files_that_are_no_image_join_nobody(tmp_path):
    root = photos(tmp_path / "suite")
    rows = []
    for content in (b"", b"<html>not found</html>", bytes(64)):
        for row in ROWS:
            (root / row["id"] / "bad.png").write_bytes(content)
        rows = [row | {"people": [{"references": [f"{row['id']}/ref.png", f"{row['id']}/bad.png"]}]} for row in ROWS]
        (root / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        index = SuiteIndex()
        for case in open_suite(root).cases():
            index.add(index_case(case))
        assert (index.counts().identities, index.counts().clusters) == (3, 3), content
