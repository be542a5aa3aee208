"""InsightFace packs: as the library finds and embeds, in any batch."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import WeightsError
from idbench.faces.specs import open_detector, open_recognizers


def test_scrfd_finds_what_insightface_finds(packs, photo):
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(str(packs / "mini-a"), providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
    theirs = app.get(np.ascontiguousarray(photo[..., ::-1]))
    ours = open_detector(None, [f"insightface:{packs / 'mini-a'}"]).detect(photo)
    assert len(ours) == len(theirs) > 0
    assert ours.boxes == pytest.approx(np.array([face.bbox for face in theirs]), abs=1e-3)
    assert ours.landmarks == pytest.approx(np.array([face.kps for face in theirs]), abs=1e-3)
    for pack in ("mini-a", "mini-b"):
        app = FaceAnalysis(str(packs / pack), providers=["CPUExecutionProvider"])
        app.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
        expected = app.get(np.ascontiguousarray(photo[..., ::-1]))[0].normed_embedding
        judge = open_recognizers([f"insightface:{packs / pack}"])[0]
        crop = judge.alignment.crop(photo, ours.boxes[0], ours.landmarks[0])
        found = judge.embed(crop[None])[0]
        assert found / np.linalg.norm(found) @ expected > 0.9999


def test_our_blob_equals_opencvs(packs, photo):
    import cv2

    model = open_detector(None, [f"insightface:{packs / 'mini-a'}"])._model
    ours = model._prepare_input_blob(photo, photo.shape[1::-1])
    theirs = cv2.dnn.blobFromImage(photo, 1 / 128, photo.shape[1::-1], (127.5,) * 3, swapRB=False)
    assert np.array_equal(ours, theirs)


def test_fixed_and_dynamic_batches_give_the_same_embeddings(packs):
    crops = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3)).astype(np.uint8)
    for pack in ("mini-a", "mini-b"):
        judge = open_recognizers([f"insightface:{packs / pack}"])[0]
        together, alone = judge.embed(crops), np.concatenate([judge.embed(crop[None]) for crop in crops])
        assert together == pytest.approx(alone, abs=1e-5)


def test_a_pack_with_two_recognizers_is_settled_by_naming_one(packs, tmp_path):
    shutil.copytree(packs / "mini-a", tmp_path / "pack")
    first, own = "a_other.onnx", next((packs / "mini-a").glob("rec*.onnx")).name
    shutil.copy(next((packs / "mini-b").glob("rec*.onnx")), tmp_path / "pack" / first)
    pack = f"insightface:{tmp_path / 'pack'}"
    with pytest.raises(WeightsError, match=rf"2 recognizers \({first}, {own}\); name .*\?recognizer={first}"):
        open_recognizers([pack])
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    chosen = open_recognizers([f"{pack}?recognizer={own}"])[0]
    assert chosen.name == "pack"
    expected = open_recognizers([f"insightface:{packs / 'mini-a'}"])[0].embed(crops)
    assert np.array_equal(chosen.embed(crops), expected)
    assert open_detector(None, [f"{pack}?recognizer={own}"]).name == "scrfd"
    with pytest.raises(WeightsError, match="holds no recognizer absent"):
        open_recognizers([f"{pack}?recognizer=absent"])


def test_a_pack_in_a_folder_of_its_own_name_is_found(packs, tmp_path, monkeypatch):
    shutil.copytree(packs / "mini-a", tmp_path / "outer" / "outer")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "nobody")
    assert open_recognizers([f"insightface:{tmp_path / 'outer'}"])[0].name == "outer"
    shutil.copytree(packs / "mini-b", tmp_path / "outer" / "more")
    with pytest.raises(WeightsError, match="name one of its folders: more, outer"):
        open_recognizers([f"insightface:{tmp_path / 'outer'}"])
