"""Differentiable alignment: the crops that recognizers get, and gradients through them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.lazy import lazy, needs
from support.random_embeddings import normal

from idbench.errors import ConfigError
from idbench.faces.align import ARCFACE_TEMPLATE, Alignment

pytestmark = needs("torch")

torch = lazy("torch")
F = lazy("torch.nn.functional")
losses = lazy("idbench.losses")
alignment = lazy("idbench.losses.alignment")


LANDMARKS = np.array([[70.0, 62.0], [118.0, 74.0], [90.0, 97.0], [66.0, 116.0], [104.0, 126.0]])


def scene(height: int, width: int) -> np.ndarray:
    """A smooth picture, so that bilinear and bicubic agree."""
    y, x = np.mgrid[:height, :width]
    bands = [np.sin(x / 11 + y / 17), np.cos(x / 9 - y / 23), np.sin((x + y) / 13)]
    return (127.5 + 110 * np.stack(bands, axis=-1)).round().astype(np.uint8)


def as_batch(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].double()


@pytest.mark.parametrize("size", [112, 128, 224])
def test_crops_are_those_that_recognizers_get(size):
    pixels, landmarks = scene(240, 280), LANDMARKS + 50
    crop = Alignment("arcface", size).crop(pixels, np.zeros(4), landmarks)
    ours = (
        losses.align_faces(as_batch(pixels), torch.from_numpy(landmarks)[None, None], size)[0, 0]
        .permute(1, 2, 0)
        .numpy()
    )
    assert np.abs(ours - crop).max() < 4
    assert np.abs(ours - crop).mean() < 0.7
    half = (ours[:, 1:] + ours[:, :-1]) / 2
    assert np.abs(half - crop[:, 1:]).mean() > 1.4, "the bounds notice a crop that is off by half a pixel"


def test_template_landmarks_give_the_image_back():
    pixels = as_batch(scene(112, 112))
    template = torch.from_numpy(ARCFACE_TEMPLATE)[None, None]
    for published in (False, True):
        assert torch.allclose(losses.align_faces(pixels, template, published=published)[:, 0], pixels, atol=1e-6)


def test_the_published_map_shears_faces_and_ours_keeps_their_shape():
    stretched = ARCFACE_TEMPLATE * [1.5, 1.0]
    ours, theirs = (
        alignment.transforms(torch.from_numpy(stretched)[None, None], 200, 200, 112, published)[0]
        for published in (False, True)
    )
    assert ours[0, 0] == pytest.approx(ours[1, 1])
    assert theirs[0, 0] == pytest.approx(1.5 * theirs[1, 1], rel=1e-6)
    mapped = (np.c_[2 * ARCFACE_TEMPLATE / 112 - 1, np.ones(5)] @ theirs.T + 1) * 100
    assert mapped == pytest.approx(stretched, abs=1e-6)


def test_landmarks_land_on_the_template():
    """A bright spot at each landmark of a face that is an exact similarity of the template."""
    turn = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    landmarks = 2.0 * ARCFACE_TEMPLATE @ turn.T + [80, 20]
    y, x = np.mgrid[:300, :320]
    for landmark, (u, v) in zip(landmarks, ARCFACE_TEMPLATE, strict=True):
        spot = np.exp(-((x - landmark[0]) ** 2 + (y - landmark[1]) ** 2) / 200)
        crop = losses.align_faces(torch.from_numpy(spot)[None, None], torch.from_numpy(landmarks)[None, None])[0, 0, 0]
        rows, columns = torch.meshgrid(torch.arange(112.0), torch.arange(112.0), indexing="ij")
        centre = [float((crop * axis).sum() / crop.sum()) for axis in (columns, rows)]
        assert centre == pytest.approx([u, v], abs=0.02)


def test_faces_of_a_batch_are_aligned_one_by_one():
    images = normal(0, 2, 3, 40, 50)
    landmarks = torch.from_numpy(LANDMARKS / 3)[None, None] + normal(1, 2, 3, 5, 2)
    for published in (False, True):
        crops = losses.align_faces(images, landmarks, published=published)
        assert crops.shape == (2, 3, 3, 112, 112)
        for i in range(2):
            for k in range(3):
                alone = losses.align_faces(images[i : i + 1], landmarks[i : i + 1, k : k + 1], published=published)
                assert torch.allclose(crops[i, k], alone[0, 0])


def test_outside_the_image_is_black_and_half_precision_keeps_positions():
    images = torch.full((1, 3, 64, 64), 255.0)
    away = torch.from_numpy(LANDMARKS)[None, None] + 500
    assert losses.align_faces(images, away).abs().max() == 0
    pixels, landmarks = as_batch(scene(512, 512)), torch.from_numpy(LANDMARKS)[None, None] + 300.3
    half = losses.align_faces(pixels.bfloat16(), landmarks.float())
    assert half.dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(losses.align_faces(pixels.bfloat16(), landmarks.float()), half)
    assert (half.double() - losses.align_faces(pixels, landmarks)).abs().max() < 2, "rounded values, not moved ones"


@pytest.mark.parametrize("published", [False, True])
def test_alignment_passes_gradcheck(published):
    images = normal(0, 2, 1, 6, 7).requires_grad_()
    landmarks = torch.from_numpy(LANDMARKS / 20)[None, None] + 0.1 * normal(1, 2, 2, 5, 2)
    assert torch.autograd.gradcheck(
        lambda image: losses.align_faces(image, landmarks, published=published), images, fast_mode=True
    )


def test_gradients_reach_the_face_and_nothing_else():
    images = as_batch(scene(170, 300)).requires_grad_()
    landmarks = torch.from_numpy(LANDMARKS)[None, None].requires_grad_()
    losses.align_faces(images, landmarks).square().sum().backward()
    assert images.grad[0, :, 70:110, 75:105].abs().min() > 0
    assert images.grad[0, :, :, 220:].abs().max() == 0
    assert landmarks.grad is None


def test_descending_the_loss_through_a_crop_restores_the_face():
    """The whole way: pixels, alignment, a fixed random recognizer, the loss."""
    wanted, pixels = as_batch(scene(80, 80)) / 255, normal(0, 1, 3, 80, 80).requires_grad_()
    landmarks = torch.from_numpy(ARCFACE_TEMPLATE / 2 + 10)[None, None]
    project = normal(1, 3 * 14 * 14, 32)

    def embed(image):
        return F.avg_pool2d(losses.align_faces(image, landmarks)[:, 0], 8).flatten(1)[:, None] @ project

    target = embed(wanted).detach()
    optimiser = torch.optim.Adam([pixels], lr=0.05)
    first = losses.id_loss(embed(pixels), target).item()
    for _ in range(30):
        optimiser.zero_grad()
        losses.id_loss(embed(pixels), target).backward()
        optimiser.step()
    assert losses.id_loss(embed(pixels), target).item() < 0.1 < 0.5 < first


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lambda: (torch.zeros(3, 9, 9), torch.rand(1, 1, 5, 2)),
            r"images \(B, C, H, W\), found torch.float32 \(3, 9, 9\)",
        ),
        (lambda: (torch.zeros(1, 3, 9, 9, dtype=torch.uint8), torch.rand(1, 1, 5, 2)), "found torch.uint8"),
        (lambda: (torch.zeros(2, 3, 9, 9), torch.rand(1, 1, 5, 2)), r"\(2, 1 or more, 5, 2\), found \(1, 1, 5, 2\)"),
        (lambda: (torch.zeros(1, 3, 9, 9), torch.rand(1, 5, 2)), r"\(1, 1 or more, 5, 2\), found \(1, 5, 2\)"),
        (lambda: (torch.zeros(1, 3, 9, 9), torch.rand(1, 0, 5, 2)), r"found \(1, 0, 5, 2\)"),
        (
            lambda: (torch.zeros(1, 3, 9, 9), torch.ones(1, 1, 5, 2)),
            r"distinct landmarks, found others at \(image, face\) \(0, 0\)",
        ),
        (lambda: (torch.zeros(1, 3, 9, 9), torch.full((1, 1, 5, 2), math.nan)), "finite, distinct landmarks"),
        (lambda: (torch.zeros(1, 3, 9, 9), torch.rand(1, 1, 5, 2) / 0), "finite, distinct landmarks"),
    ],
)
def test_wrong_images_and_landmarks_are_refused_in_one_line(given, message):
    with pytest.raises(ValueError, match=message) as error:
        losses.align_faces(*given())
    assert "\n" not in str(error.value)


def test_sizes_without_a_template_are_refused():
    with pytest.raises(ConfigError, match="divisible by 112 or 128, found 100"):
        losses.align_faces(torch.zeros(1, 3, 9, 9), torch.rand(1, 1, 5, 2), 100)
