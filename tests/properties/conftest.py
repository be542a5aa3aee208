"""A photo, odd images made of it, and the networks that look at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.odd_images import odd_images
from support.suites import real_cases

from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.specs import open_detector, open_recognizers
from idbench.images import decode
from idbench.store import Cache


@pytest.fixture(scope="session")
def analyser(packs: Path, tmp_cache: Path) -> ImageAnalyser:
    spec = f"insightface:{packs / 'mini-a'}"
    return ImageAnalyser(open_detector(None, [spec]), open_recognizers([spec]), cache=Cache(tmp_cache))


@pytest.fixture(scope="session")
def case(real_suite: Path):
    return real_cases(real_suite, (1,))[0]


@pytest.fixture(scope="session")
def photo(case) -> Image.Image:
    return Image.fromarray(decode(case.target.read()))


@pytest.fixture(scope="session")
def files(photo: Image.Image, analyser: ImageAnalyser, case) -> dict[str, bytes]:
    faces = analyser.one(case.target).faces
    largest = np.ptp(faces.found.boxes.reshape(-1, 2, 2), axis=1).prod(axis=1).argmax()
    return odd_images(photo, faces.found.boxes[largest])
