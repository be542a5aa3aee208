"""Images that break a recognizer, and cache entries that are damaged."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.images import encoded
from support.odd_images import CROWD
from support.runs import run_here
from support.suites import real_cases, write_suite

from idbench.faces.pipeline import ImageAnalyser, Job
from idbench.faces.specs import open_detector, open_recognizers
from idbench.images import EncodedImage
from idbench.protocols.people import usable_faces
from idbench.store import Cache
from idbench.tables import read_tables


class Stub:
    """The real recognizer, except on the crops that `spoil` answers for."""

    def __init__(self, real, spoil) -> None:
        self.name, self.alignment = real.name, real.alignment
        self._real, self._spoil = real, spoil

    def embed(self, crops):
        return self._spoil(crops, self._real.embed(crops))

    def describe(self):
        return self._real.describe()


def with_stub(packs: Path, spoil, batch: int = 1) -> ImageAnalyser:
    spec = f"insightface:{packs / 'mini-a'}"
    return ImageAnalyser(open_detector(None, [spec]), [Stub(open_recognizers([spec])[0], spoil)], batch=batch)


def test_faces_with_nan_embeddings_are_not_used(files, packs):
    def spoil(crops, vectors):
        vectors = vectors.copy()
        vectors[::2] = np.nan
        return vectors

    faces = with_stub(packs, spoil).one(EncodedImage("crowd", data=files[CROWD])).faces
    assert [face.index for face in usable_faces(faces, "mini-a")] == list(range(1, len(faces), 2))


def test_a_run_with_nan_embeddings_is_finished(real_suite, packs, tmp_path, monkeypatch):
    """The judge fails on every face: no number, no crash, and no face that could be scored."""
    import idbench.prepare as module

    def judges(specs, device):
        return [Stub(judge, lambda crops, vectors: np.full_like(vectors, np.nan)) for judge in opened(specs, device)]

    opened = module.open_recognizers
    monkeypatch.setattr(module, "open_recognizers", judges)
    suite = write_suite(tmp_path / "suite", real_cases(real_suite, (1, 2)))
    run = run_here(suite, packs, tmp_path / "run", tmp_path / "cache", protocol="both")
    scores = read_tables(run)[0]
    assert "scored" not in set(scores["outcome"])
    assert scores["sim_gt"].isna().all()
    assert "mini-a measures nothing: its network gives NaN" in (run / "report.html").read_text()


@pytest.mark.parametrize("batch", [1, 3])
def test_an_image_that_breaks_a_recognizer_is_recorded_and_the_others_are_not_touched(case, photo, packs, batch):
    def spoil(crops, vectors):
        if (np.abs(crops.astype(int) - crops.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2, 3)) < 3).any():
            raise RuntimeError("kernel failed\nsecond line")
        return vectors

    faint = np.asarray(photo, np.float64)
    faint = Image.fromarray((128 + (faint - faint.mean()) / 20).astype(np.uint8))
    analyser = with_stub(packs, spoil, batch)
    reference = case.people[0].references[0]
    jobs = [Job(0, case.target), Job(1, EncodedImage("faint", data=encoded(faint, "PNG"))), Job(2, reference)]
    found = dict(analyser.analyse(jobs))
    assert all(found[i].error is None for i in range(3))
    assert len(found[1].faces) > 0, "the detector must find the faint face for this test to say anything"
    assert np.isnan(found[1].faces.embeddings["mini-a"]).all()
    assert np.isfinite(found[0].faces.embeddings["mini-a"]).all()
    assert np.isfinite(found[2].faces.embeddings["mini-a"]).all()
    assert analyser.recognizer_failures == {"mini-a": {"faint": "kernel failed"}}


def test_a_damaged_cache_entry_is_computed_again_and_never_unpickled(case, packs, tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "unpickled"),))

    spec = f"insightface:{packs / 'mini-a'}"

    def analyser() -> ImageAnalyser:
        return ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), cache=Cache(tmp_path))

    good = analyser().one(case.target).faces
    bundle = io.BytesIO()
    np.savez(bundle, boxes=np.array([Bomb()], dtype=object), size=np.array([1, 1]))
    foreign = io.BytesIO()
    np.savez(foreign, something=np.zeros(3))
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    entries = sorted((tmp_path / "faces").rglob("*.npz"))
    assert len(entries) == 2
    whole = {entry: entry.read_bytes() for entry in entries}
    for garbage in (
        pickle.dumps(Bomb()), bundle.getvalue(), foreign.getvalue(), array.getvalue(), b"", b"PK\x03\x04",
        next(iter(whole.values()))[:-200],
    ):  # fmt: skip
        for entry in entries:
            entry.write_bytes(garbage)
        again = analyser()
        faces = again.one(case.target).faces
        assert np.array_equal(faces.embeddings["mini-a"], good.embeddings["mini-a"])
        assert np.array_equal(faces.found.boxes, good.found.boxes)
        assert again.analysed == 1
        for entry in entries:
            with np.load(entry, allow_pickle=False) as healed, np.load(io.BytesIO(whole[entry])) as expected:
                assert healed.files == expected.files
    assert not (tmp_path / "unpickled").exists()
