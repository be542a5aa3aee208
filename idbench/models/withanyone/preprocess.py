"""Cutting faces out of references and fitting target boxes to a canvas, as the published code does.

Boxes are (x1, y1, x2, y2) in pixels. Published functions round at every step, and so do these.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import Image

from idbench.schema import Box

__all__ = ["FACE_SIZE", "face_crop", "fit_boxes", "grow_square", "square_crop", "square_crop_of_two", "target_boxes"]

FACE_SIZE = 512
"""Side of a reference's face crop in pixels."""


def grow_square(box: Box, width: int, height: int) -> Box:
    """The box in whole pixels, its short side grown to the long one, then cut off at the image's edges.

    Raises `ValueError` if less than a pixel is left. Published: the crop in `util.extract_moref`.
    """
    square = _squared(box, width, height)
    if min(box[2] - box[0], box[3] - box[1]) < 1 or square[0] >= square[2] or square[1] >= square[3]:
        raise ValueError(f"expected a face box of a pixel or more inside {width}x{height}, found {tuple(box)}")
    return square


def face_crop(image: Image.Image, box: Box) -> Image.Image:
    """A reference's face as the SigLIP encoder is shown it: squared, 512 x 512.

    Published: `util.extract_moref` with its least size of 1 pixel.
    """
    return image.crop(grow_square(box, *image.size)).resize((FACE_SIZE, FACE_SIZE), Image.Resampling.LANCZOS)


def square_crop(width: int, height: int, boxes: Sequence[Box], size: int, rng: random.Random) -> tuple[Box, list[Box]]:
    """The largest square of an image that keeps all faces, if it can, and the boxes after resizing it to `size`.

    Where faces leave room the square is placed at random; where they are too far apart, around their middle.
    Boxes are clipped to the canvas and at least a pixel wide. Needs one box or more.
    Published: `util.general_face_preserving_resize`, which draws from the global generator.
    """
    low, high = _extent(boxes)
    low = [max(0, low[0]), max(0, low[1])]
    if high[0] - low[0] > height or high[1] - low[1] > width:
        high = [min(high[0], width), min(high[1], height)]
    crop = _window(width, height, low, high, rng)
    moved = _move([_whole(box) for box in boxes], crop, size)
    return crop, [
        (_clip(x1, 0, size - 1), _clip(y1, 0, size - 1), _clip(x2, 1, size), _clip(y2, 1, size))
        for x1, y1, x2, y2 in moved
    ]


def square_crop_of_two(
    width: int, height: int, boxes: Sequence[Box], size: int, rng: random.Random
) -> tuple[Box, list[Box]] | None:
    """`square_crop` after the first two faces only, boxes not clipped; None if these leave the image or do not fit.

    Published: `util.face_preserving_resize`.
    """
    whole = [_whole(box) for box in boxes]
    low, high = _extent(whole[:2])
    if min(*low, *high) < 0 or high[0] - low[0] > height or high[1] - low[1] > width:
        return None
    crop = _window(width, height, low, high, rng)
    return crop, _move(whole, crop, size)


def target_boxes(width: int, height: int, faces: Sequence[Box], size: int, rng: random.Random) -> list[Box]:
    """Square boxes on a canvas of `size` for the faces found in a target photo.

    Published: `util.FaceExtractor.locate_bboxes`, always with 512.
    """
    return [_squared(box, size, size) for box in square_crop(width, height, faces, size, rng)[1]]


def fit_boxes(boxes: Sequence[Box], canvas: tuple[int, int], size: tuple[int, int]) -> list[Box]:
    """Boxes on a canvas (width, height) moved to another size: aspect kept, centred, whole pixels.

    Published: `gradio_app.resize_bbox`.
    """
    (width, height), (new_width, new_height) = canvas, size
    scale = min(new_width / width, new_height / height)
    left, top = (new_width - width * scale) / 2, (new_height - height * scale) / 2
    return [
        (int(x1 * scale + left), int(y1 * scale + top), int(x2 * scale + left), int(y2 * scale + top))
        for x1, y1, x2, y2 in boxes
    ]


def _squared(box: Box, width: int, height: int) -> Box:
    """Short side grown to the long one, half a side each (odd pixels at the end), cut off at the edges."""
    x1, y1, x2, y2 = _whole(box)
    wide, tall = x2 - x1, y2 - y1
    before = abs(wide - tall) // 2
    after = abs(wide - tall) - before
    if wide > tall:
        y1, y2 = y1 - before, y2 + after
    else:
        x1, x2 = x1 - before, x2 + after
    return max(0, x1), max(0, y1), min(width, x2), min(height, y2)


def _whole(box: Box) -> Box:
    x1, y1, x2, y2 = map(int, box)
    return x1, y1, x2, y2


def _extent(boxes: Sequence[Box]) -> tuple[list[float], list[float]]:
    """Smallest (x1, y1) and largest (x2, y2)."""
    if not boxes:
        raise ValueError("expected one face box or more, found none")
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return [min(x1), min(y1)], [max(x2), max(y2)]


def _window(width: int, height: int, low: list[float], high: list[float], rng: random.Random) -> Box:
    """A square as large as the image allows, placed along its longer side."""
    side, room = min(width, height), abs(width - height)
    axis = 0 if width > height else 1
    first, last = high[axis] - side, low[axis]
    if first < last:
        start: float = rng.randint(int(first), int(last))
    elif first == last:
        start = int(first)
    else:
        start = (low[axis] + high[axis]) // 2 - side // 2
    start = _clip(start, 0, room)
    return (start, 0, start + side, side) if axis == 0 else (0, start, side, start + side)


def _move(boxes: Sequence[Box], crop: Box, size: int) -> list[Box]:
    """Boxes on the crop after it was resized to `size`."""
    left, top, right, _ = crop
    scale = size / (right - left)
    return [
        (int((x1 - left) * scale), int((y1 - top) * scale), int((x2 - left) * scale), int((y2 - top) * scale))
        for x1, y1, x2, y2 in boxes
    ]


def _clip(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
