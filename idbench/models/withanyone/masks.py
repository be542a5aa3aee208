"""Which image token may look at which person.

Image tokens are squares of 16 pixels, row by row. A token sees the people whose boxes touch it. Boxes are
(x1, y1, x2, y2) in pixels of the generated image. Source: published code,
`create_person_cross_attention_mask_varlen`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from idbench.schema import Box

__all__ = ["TOKEN_SIZE", "location_mask", "visibility"]

TOKEN_SIZE = 16
"""Side of an image token in pixels: 8 by the VAE times 2 by packing."""


def location_mask(boxes: Sequence[Box], width: int, height: int) -> torch.Tensor:
    """Boolean (N, P), N = (width // 16) * (height // 16): whether a box touches a token.

    Boxes are clipped to the canvas. x2 < x1 or y2 < y1 gives no token or, as in the published code, those of
    the edges if both lie in the same one.
    """
    edges = torch.tensor(boxes, dtype=torch.float64).reshape(len(boxes), 4) / TOKEN_SIZE
    first, end = edges[:, :2].floor(), edges[:, 2:].ceil()
    columns = torch.arange(width // TOKEN_SIZE)[:, None]
    rows = torch.arange(height // TOKEN_SIZE)[:, None]
    in_columns = (columns >= first[:, 0]) & (columns < end[:, 0])
    in_rows = (rows >= first[:, 1]) & (rows < end[:, 1])
    return (in_rows[:, None] & in_columns).flatten(0, 1)


def visibility(people: Sequence[int], boxes: Sequence[Sequence[Box] | None], width: int, height: int) -> torch.Tensor:
    """Boolean (B, N, P) for a batch, P being the most people of an item: who is seen by which image token.

    people : how many each item has. boxes : as many for each item, or None for an item without boxes, where
    every token sees all of its people.
    """
    tokens = (width // TOKEN_SIZE) * (height // TOKEN_SIZE)
    seen = torch.zeros(len(people), tokens, max(people, default=0), dtype=torch.bool)
    for item, (count, its_boxes) in enumerate(zip(people, boxes, strict=True)):
        seen[item, :, :count] = True if its_boxes is None else location_mask(its_boxes, width, height)
    return seen
