"""Registration on drawn people: disguised pastes are seen, other photos of the person are not taken for copies."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from idbench import metrics
from idbench.faces.align import ARCFACE_TEMPLATE, similarity_transform
from idbench.faces.registration import correlations, register
from idbench.synthetic.plans import plan_cases, render_reference, render_target


def crop(pixels, landmarks):
    turned = cv2.warpAffine(pixels, similarity_transform(landmarks, ARCFACE_TEMPLATE), (112, 112))
    return cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY)


def mirrored(pixels, landmarks):
    where = landmarks * [-1, 1] + [pixels.shape[1] - 1, 0]
    return pixels[:, ::-1].copy(), where[[1, 0, 2, 4, 3]]


def recoloured(pixels, landmarks):
    mixed = pixels.astype(np.float32) @ np.array([[0.7, 0.1, 0.2], [0.2, 0.6, 0.2], [0.05, 0.3, 0.75]], np.float32)
    return np.clip(255 * (mixed / 255) ** 1.3, 0, 255).astype(np.uint8), landmarks


def relit(pixels, landmarks):
    light = np.linspace(0.4, 1.5, pixels.shape[1])[None, :, None]
    return np.clip(pixels * light, 0, 255).astype(np.uint8), landmarks


def all_three(pixels, landmarks):
    return recoloured(*relit(*mirrored(pixels, landmarks)))


def stretched(pixels, landmarks):
    """A paste made 10 % wider."""
    matrix = np.array([[1.1, 0.05, 0], [0, 1, 0]], np.float32)
    moved = landmarks @ matrix[:, :2].T.astype(float)
    return cv2.warpAffine(pixels, matrix, pixels.shape[1::-1], borderMode=cv2.BORDER_REFLECT), moved


@pytest.fixture(scope="module")
def photos():
    """Reference pictures and, of the same people, crops of references and targets."""
    people = [(plan.people[0], plan) for plan in plan_cases(24, seed=11) if len(plan.people) == 1]
    references = [render_reference(person) for person, _ in people]
    targets = [render_target(plan) for _, plan in people]
    return references, [[crop(p.pixels, p.faces[0].landmarks) for p in side] for side in (references, targets)]


@pytest.mark.parametrize(
    ("disguise", "least"),
    [(lambda *photo: photo, 0.98), (mirrored, 0.98), (recoloured, 0.98), (relit, 0.98), (all_three, 0.9), (stretched, 0.9)],
)  # fmt: skip
def test_pastes_are_told_from_other_photos_of_the_person(photos, disguise, least):
    pictures, (references, targets) = photos
    natural = [correlations(target, [ref])[0] for target, ref in zip(targets, references, strict=True)]
    pasted = [
        correlations(crop(*disguise(picture.pixels, picture.faces[0].landmarks)), [ref])[0]
        for picture, ref in zip(pictures, references, strict=True)
    ]
    assert len(natural) >= 8
    assert metrics.auc(pasted, natural) >= least


def test_a_mirrored_copy_is_said_to_be_one_and_lies_over_the_face(photos):
    pictures, (references, _) = photos
    face = crop(*mirrored(pictures[0].pixels, pictures[0].faces[0].landmarks))
    found = register(face, references[0])
    assert found.mirrored
    inside = (slice(30, 100), slice(30, 82))
    off = [
        np.abs(crop[inside].astype(int) - face[inside]).mean()
        for crop in (found.laid_over(references[0]), references[0])
    ]
    assert off[0] < 0.5 * off[1]


def test_the_copied_one_of_several_references_decides(photos):
    _, (references, _) = photos
    found = correlations(references[2], references[:4])
    assert found.argmax() == 2
    assert found[2] == pytest.approx(1, abs=0.01)


def test_without_contrast_or_references_nothing_is_said():
    flat, noise = np.full((112, 112), 90, np.uint8), np.random.default_rng(0).integers(0, 255, (112, 112), np.uint8)
    assert not len(correlations(noise, []))
    assert np.isnan(correlations(flat, [noise])[0])
    other = np.random.default_rng(1).integers(0, 255, (112, 112), np.uint8)
    assert abs(correlations(noise, [other])[0]) < 0.3


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(112, 112\), found \(64, 64\)"):
        register(np.zeros((64, 64)), np.zeros((112, 112)))
