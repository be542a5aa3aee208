"""Images made up, and encoded."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image


def encoded(image: Image.Image, form: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def rgb_profile(*columns: tuple[float, float, float]) -> bytes:
    """A matrix profile (ICC 2.1) with the primaries `columns` (X, Y, Z under D50) and a gamma of 1.8."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(map(number, values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"w\0" + bytes(78)
    parts = {b"desc": text + bytes(-len(text) % 4), b"cprt": b"text" + bytes(8), b"wtpt": xyz(0.9642, 1.0, 0.8249)}
    parts |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), (xyz(*column) for column in columns), strict=True))
    parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for name, data in parts.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    rest = (
        bytes(4)
        + b"\x02\x10\0\0mntrRGB XYZ "
        + bytes(12)
        + b"acsp"
        + bytes(28)
        + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    )
    header = struct.pack(">I", start + len(body)) + rest
    return header + bytes(128 - len(header)) + table + body
