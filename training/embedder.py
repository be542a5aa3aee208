"""Teaching the embedder who is who."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import torch
from learning import learn
from looks import as_input, covered, photographed
from networks import DIMENSION, Embedder
from pictures import LabelledPicture
from torch import Tensor, nn
from torch.nn import functional

from idbench.faces.align import ARCFACE_112
from idbench.images import RGB

__all__ = ["train_embedder"]

Float = npt.NDArray[np.float32]
BATCH = 128
SEEN = 0.6
LANDMARK_ERROR = 0.03
"""Standard deviation of the placer's errors in eye distances, somewhat exaggerated."""

SCALE, COSINE_MARGIN = 28.0, 0.32
"""CosFace (Wang et al., CVPR 2018): cosines are multiplied by SCALE; one's own must win by the margin."""


def half_crop(pixels: RGB, box: Float, landmarks: Float, rng: np.random.Generator) -> RGB:
    """The aligned crop at half resolution (56, 56, 3), as landmarks found with some error give it."""
    eyes = float(np.linalg.norm(landmarks[0] - landmarks[1]))
    found = landmarks + LANDMARK_ERROR * eyes * (rng.standard_normal((5, 2)) + 0.5 * rng.standard_normal(2))
    half = ARCFACE_112.size // 2
    crop = cv2.resize(ARCFACE_112.crop(pixels, box, found), (half, half), interpolation=cv2.INTER_AREA)
    crop = photographed(np.asarray(crop if rng.random() < 0.5 else crop[:, ::-1], np.uint8), rng)
    return covered(crop, rng) if rng.random() < 0.35 else crop


def batches(pictures: list[LabelledPicture], rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Crops (n, 3, 56, 56) and whose they are (n,), for ever; every face once before any comes again."""
    faces = [(picture.pixels, face) for picture in pictures for face in picture.faces if face.visible >= SEEN]
    while True:
        order = rng.permutation(max(len(faces), BATCH)) % len(faces)
        for first in range(0, len(order) - BATCH + 1, BATCH):
            chosen = [faces[int(i)] for i in order[first : first + BATCH]]
            crops = [half_crop(pixels, face.box, face.landmarks, rng) for pixels, face in chosen]
            yield torch.from_numpy(as_input(crops)), torch.tensor([face.person for _, face in chosen])


def train_embedder(
    pictures: list[LabelledPicture], people: int, steps: int, seed: int, bfloat16: bool
) -> tuple[Embedder, float]:
    """A trained embedder and the seconds it took. Loss: CosFace over all people, its margin rising from 0."""
    torch.manual_seed(seed)
    network = Embedder()
    directions = nn.Linear(DIMENSION, people, bias=False)
    done = iter(range(steps))

    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        crops, who = batch
        found = functional.normalize(network.of_half(crops.to(memory_format=torch.channels_last)))
        with torch.autocast("cpu", enabled=False):
            cosines = found @ functional.normalize(directions.weight).T
        margin = COSINE_MARGIN * min(1.0, next(done) / (0.2 * steps))
        return functional.cross_entropy(SCALE * (cosines - margin * functional.one_hot(who, people)), who)

    stream = batches(pictures, np.random.default_rng([seed, 30]))
    both = nn.ModuleList([network, directions])
    return network, learn("embedder", both, stream, loss_of, steps, 3e-3, bfloat16)
