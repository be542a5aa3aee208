"""Photos of references as they are sent to a vendor."""

from __future__ import annotations

import cv2

from idbench.images import RGB, decode, encode_jpeg, encode_png

__all__ = ["image_format", "to_send"]

MAX_PNG = 3 << 20
"""Bytes; a larger reference is sent as JPEG, since vendors limit requests."""


def to_send(data: bytes, side: int) -> bytes:
    """A photo upright, reduced to a longer side of `side` pixels, and nothing but pixels.

    PNG, or JPEG where that is too large. Raises `UnreadableImageError`.
    """
    pixels = _reduced(decode(data, "a reference"), side)
    png = encode_png(pixels)
    return png if len(png) <= MAX_PNG else encode_jpeg(pixels)


def _reduced(pixels: RGB, side: int) -> RGB:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: RGB = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return reduced


def image_format(data: bytes) -> str:
    """`png` or `jpeg`: what `to_send` made."""
    return "png" if data.startswith(b"\x89PNG") else "jpeg"
