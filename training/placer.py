"""Teaching the placer where the landmarks of a found face are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from learning import learn
from looks import as_input, covered, photographed
from networks import Placer
from pictures import LabelledPicture
from torch import Tensor

from idbench.faces.mini import face_window
from idbench.images import RGB

__all__ = ["train_placer"]

Float = npt.NDArray[np.float32]
BATCH = 128
SEEN = 0.6
"""Faces that can be seen less than this teach nothing."""

BOX_SHIFT, BOX_GROWTH = 0.04, 0.05
"""Standard deviations of the finder's errors, somewhat exaggerated: share of the box, logarithm of its size."""

MIRRORED = [1, 0, 2, 4, 3]


def window_with_landmarks(
    pixels: RGB, box: Float, landmarks: Float, rng: np.random.Generator
) -> tuple[RGB, Float]:  # fmt: skip
    """The window around a box found with some error, and the landmarks (5, 2) as shares of its side."""
    sides = box[2:] - box[:2]
    centre = (box[:2] + box[2:]) / 2 + BOX_SHIFT * sides * rng.standard_normal(2)
    halves = sides / 2 * np.exp(BOX_GROWTH * rng.standard_normal(2))
    window, corner, side = face_window(pixels, np.concatenate([centre - halves, centre + halves]).astype(np.float32))
    placed = (landmarks - corner) / np.float32(side)
    if rng.random() < 0.5:
        window, placed = window[:, ::-1], (placed * [-1, 1] + [1, 0])[MIRRORED].astype(np.float32)
    window = photographed(window, rng)
    return covered(window, rng) if rng.random() < 0.1 else window, placed


def batches(pictures: list[LabelledPicture], rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows (n, 3, 64, 64) and their landmarks (n, 5, 2), for ever."""
    faces = [(picture.pixels, face) for picture in pictures for face in picture.faces if face.visible >= SEEN]
    while True:
        chosen = [faces[int(i)] for i in rng.integers(len(faces), size=BATCH)]
        pairs = [window_with_landmarks(pixels, face.box, face.landmarks, rng) for pixels, face in chosen]
        yield torch.from_numpy(as_input([window for window, _ in pairs])), torch.from_numpy(
            np.stack([placed for _, placed in pairs])
        )  # fmt: skip


def train_placer(pictures: list[LabelledPicture], steps: int, seed: int, bfloat16: bool) -> tuple[Placer, float]:
    """A trained placer and the seconds it took. Loss: distance from the landmarks in eye distances."""
    torch.manual_seed(seed)
    network = Placer()

    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        windows, placed = batch
        answer = network(windows.to(memory_format=torch.channels_last)).view(-1, 5, 2)
        eyes = torch.linalg.vector_norm(placed[:, 0] - placed[:, 1], dim=1).clamp(min=0.05)
        distances = torch.sqrt(((answer - placed) ** 2).sum(dim=2) + 1e-8)
        loss: Tensor = (distances / eyes[:, None]).mean()
        return loss

    stream = batches(pictures, np.random.default_rng([seed, 20]))
    return network, learn("placer", network, stream, loss_of, steps, 3e-3, bfloat16)
