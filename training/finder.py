"""Teaching the finder where faces are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from learning import learn
from looks import as_input, covered, photographed
from networks import Finder
from pictures import LabelledPicture
from torch import Tensor
from torch.nn import functional

from idbench.faces.mini import CELL, USUAL_FACE, shrink
from idbench.images import RGB

__all__ = ["train_finder"]

Float = npt.NDArray[np.float32]
BATCH = 16
NEAR, FAR = 1.0, 1.75
"""Cells nearer to a face's centre say yes, cells farther away say no (in cells); those between are not asked."""

NOTHING = 0.06
"""Share of images without anything but spots of random colour, from single pixels to the whole image."""

ENOUGH = 0.4
"""Faces that can be seen less than this are neither asked for nor held against the finder."""


@dataclass(frozen=True)
class Lesson:
    """What the finder should answer: yes or no (h, w), shapes (4, h, w), and which cells are asked (h, w)."""

    yes: Float
    shapes: Float
    asked: Float


def framed(picture: LabelledPicture, rng: np.random.Generator) -> tuple[RGB, Float, Float]:
    """The picture as the finder sees it, but nearer or farther, moved and perhaps mirrored.

    Returns pixels, boxes (n, 4) and how much of each face can be seen (n,).
    """
    frame, scale = shrink(picture.pixels)
    height, width = frame.shape[:2]
    scale *= float(np.exp(rng.uniform(np.log(0.5), np.log(1.35))))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(picture.pixels, None, fx=scale, fy=scale, interpolation=how), np.uint8)
    boxes = np.array([face.box for face in picture.faces], np.float32).reshape(-1, 4) * np.float32(scale)
    if rng.random() < 0.5:
        small = small[:, ::-1]
        boxes[:, [0, 2]] = small.shape[1] - boxes[:, [2, 0]]
    room = np.array([width - small.shape[1], height - small.shape[0]])
    left, top = rng.integers(np.minimum(room, 0), np.maximum(room, 0) + 1)
    canvas = np.empty_like(frame)
    canvas[:] = rng.choice([0, 127, 255, int(rng.integers(256))])
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + small.shape[1], width), min(top + small.shape[0], height)
    canvas[y1:y2, x1:x2] = small[y1 - top : y2 - top, x1 - left : x2 - left]
    boxes = boxes + [left, top, left, top]
    inside = np.minimum(boxes[:, 2:], [width, height]) - np.maximum(boxes[:, :2], 0)
    share = np.maximum(inside, 0).prod(axis=1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)
    return canvas, boxes.astype(np.float32), share * [face.visible for face in picture.faces]


def spots(height: int, width: int, rng: np.random.Generator) -> RGB:
    """An image of random colours (or greys) in spots of one size; no face."""
    rows, columns = (max(1, int(side * np.exp(rng.uniform(-5, 0)))) for side in (height, width))
    colours = rng.integers(0, 256, (rows, columns, int(rng.choice([1, 3]))), np.uint8)
    how = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR]))
    grown = cv2.resize(np.broadcast_to(colours, (rows, columns, 3)).copy(), (width, height), interpolation=how)
    strength = float(rng.uniform(0.1, 1))
    return np.asarray(strength * grown + (1 - strength) * rng.integers(0, 256), np.uint8)


def lesson(boxes: Float, seen: Float, rows: int, columns: int) -> Lesson:
    """The right answer for boxes on a frame of rows x columns cells."""
    yes, asked = np.zeros((rows, columns), np.float32), np.ones((rows, columns), np.float32)
    shapes, nearest = np.zeros((4, rows, columns), np.float32), np.full((rows, columns), np.inf)
    y, x = np.mgrid[:rows, :columns]
    for box, share in zip(boxes, seen, strict=True):
        (middle_x, middle_y), (width, height) = (box[:2] + box[2:]) / 2 / CELL - 0.5, box[2:] - box[:2]
        right, down = middle_x - x, middle_y - y
        if share < ENOUGH:
            asked[(abs(right) * CELL < width / 2) & (abs(down) * CELL < height / 2)] = 0
            continue
        distance = np.hypot(right, down)
        yes[distance <= NEAR] = 1
        asked[(distance > NEAR) & (distance <= FAR)] = 0
        sides = (np.full_like(right, np.log(side / USUAL_FACE)) for side in (width, height))
        shapes = np.where(distance < nearest, np.stack([right, down, *sides]), shapes)
        nearest = np.minimum(nearest, distance)
    return Lesson(yes, shapes.astype(np.float32), np.maximum(asked, yes))


def batches(pictures: list[LabelledPicture], rng: np.random.Generator) -> Iterator[tuple[Tensor, ...]]:
    """Input and lessons, for ever. Pictures of one size go together."""
    sizes = sorted({picture.pixels.shape for picture in pictures})
    alike = [[picture for picture in pictures if picture.pixels.shape == size] for size in sizes]
    shares = np.array([len(group) for group in alike]) / len(pictures)
    while True:
        group = alike[int(rng.choice(len(alike), p=shares))]
        images, lessons = [], []
        for i in rng.integers(len(group), size=BATCH):
            canvas, boxes, seen = framed(group[int(i)], rng)
            if rng.random() < NOTHING:
                canvas, boxes, seen = spots(canvas.shape[0], canvas.shape[1], rng), boxes[:0], seen[:0]
            canvas = photographed(canvas, rng)
            images.append(covered(canvas, rng, 0.2) if rng.random() < 0.15 else canvas)
            lessons.append(lesson(boxes, seen, canvas.shape[0] // CELL, canvas.shape[1] // CELL))
        parts = (as_input(images), *(np.stack([getattr(one, name) for one in lessons])
                                     for name in ("yes", "shapes", "asked")))  # fmt: skip
        yield tuple(torch.from_numpy(part) for part in parts)


def train_finder(pictures: list[LabelledPicture], steps: int, seed: int, bfloat16: bool) -> tuple[Finder, float]:
    """A trained finder and the seconds it took.

    Loss: focal cross-entropy of yes and no (Lin et al., ICCV 2017, gamma 2) per yes, and the absolute error
    of the shapes where the answer is yes.
    """
    torch.manual_seed(seed)
    network = Finder()

    def loss_of(batch: tuple[Tensor, ...]) -> Tensor:
        images, yes, shapes, asked = batch
        logits, answer = network.raw(images.to(memory_format=torch.channels_last))
        logits = logits[:, 0]
        surprise = functional.binary_cross_entropy_with_logits(logits, yes, reduction="none")
        unsure = (torch.sigmoid(logits) - yes).abs() ** 2
        count = yes.sum().clamp(min=1)
        wrong = ((answer - shapes).abs().sum(dim=1) * yes).sum()
        loss: Tensor = ((surprise * unsure * asked).sum() + 0.5 * wrong) / count
        return loss

    stream = batches(pictures, np.random.default_rng([seed, 10]))
    return network, learn("finder", network, stream, loss_of, steps, 3e-3, bfloat16)
