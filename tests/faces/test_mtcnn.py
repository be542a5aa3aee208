"""MTCNN against SCRFD."""

from __future__ import annotations

import numpy as np
import pytest

from idbench.faces.specs import open_detector


@pytest.mark.slow
def test_mtcnn_and_scrfd_agree_on_a_real_face(packs, photo):
    pytest.importorskip("facenet_pytorch")
    scrfd = open_detector(None, [f"insightface:{packs / 'mini-a'}"]).detect(photo)
    mtcnn = open_detector("mtcnn", [], "cpu").detect(photo)
    assert len(mtcnn) >= 1
    gap = np.abs(mtcnn.landmarks - scrfd.landmarks[0]).max(axis=(1, 2)).min()
    assert gap < 0.25 * np.linalg.norm(scrfd.landmarks[0][1] - scrfd.landmarks[0][0])
