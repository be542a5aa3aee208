"""Bad and odd images, and what must become of each."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image
from support.images import encoded, noise

UNREADABLE = {"truncated.jpg", "empty.jpg", "text.jpg", "bomb.png", "bomb.gif", "half-header.png", "pipe.jpg"}
NO_FACE = {"noise.png", "one-pixel.png", "thin.png"}
SAME_PICTURE = {"plain.png", "png-named.jpg", "rgba.png", "turned.png", "animated.webp"}
ALIKE = {"gray.png", "gray16.png", "rgb16.png", "la.png", "palette.png", "cmyk.jpg", "turned.jpg", "animated.gif"}
ANY_OUTCOME = {"wide.jpg"}
CROWD = "crowd.jpg"


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG from raw filtered rows; the header may declare more than there is."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rgb16(image: Image.Image) -> bytes:
    deep = (np.asarray(image).astype(np.uint16) * 257).astype(">u2")
    return png(image.width, image.height, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep))


def gray16(image: Image.Image) -> bytes:
    deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(deep), "PNG")


def turned(image: Image.Image, form: str) -> bytes:
    """Stored lying on its side, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), form, exif=exif, quality=98)


def with_alpha(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    layered.putalpha(255)
    return layered


def transparent_palette(image: Image.Image) -> bytes:
    return encoded(image.convert("P", palette=Image.Palette.ADAPTIVE, colors=255), "PNG", transparency=255)


def crowd(image: Image.Image, box: np.ndarray) -> Image.Image:
    """Thirty copies of the face, six by five."""
    x1, y1, x2, y2 = box
    grow = 0.4 * max(x2 - x1, y2 - y1)
    face = image.crop(tuple(int(v) for v in (x1 - grow, y1 - grow, x2 + grow, y2 + grow))).resize((200, 200))
    tiled = Image.new("RGB", (1200, 1000))
    for i in range(30):
        tiled.paste(face, (i % 6 * 200, i // 6 * 200))
    return tiled


def odd_images(photo: Image.Image, box: np.ndarray) -> dict[str, bytes]:
    """File name -> bytes. `photo` shows one large face at `box`."""
    jpeg, plain = encoded(photo, "JPEG", quality=95), encoded(photo, "PNG")
    other = noise(*photo.size)
    wide = Image.new("RGB", (20_000, 400))
    wide.paste(photo.resize((400, 400)), (9_000, 0))
    return {
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "half-header.png": plain[:20],
        "empty.jpg": b"",
        "text.jpg": b"<script>alert(1)</script> this is no picture\n" * 20,
        "bomb.png": png(60_000, 60_000, 8, 2, bytes(1000)),
        "bomb.gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + bytes(6) + b",",
        "noise.png": encoded(noise(320, 240), "PNG"),
        "one-pixel.png": encoded(Image.new("RGB", (1, 1)), "PNG"),
        "thin.png": encoded(Image.new("RGB", (20_000, 2)), "PNG"),
        "wide.jpg": encoded(wide, "JPEG"),
        "plain.png": plain,
        "png-named.jpg": plain,
        "rgba.png": encoded(with_alpha(photo), "PNG"),
        "turned.png": turned(photo, "PNG"),
        "turned.jpg": turned(photo, "JPEG"),
        "animated.webp": encoded(photo, "WEBP", save_all=True, append_images=[other], lossless=True),
        "animated.gif": encoded(photo, "GIF", save_all=True, append_images=[other]),
        "gray.png": encoded(photo.convert("L"), "PNG"),
        "gray16.png": gray16(photo),
        "rgb16.png": rgb16(photo),
        "la.png": encoded(with_alpha(photo).convert("LA"), "PNG"),
        "palette.png": transparent_palette(photo),
        "cmyk.jpg": encoded(photo.convert("CMYK"), "JPEG", quality=95),
        CROWD: encoded(crowd(photo, box), "JPEG", quality=95),
    }


def case_of(file: str) -> str:
    return file.replace(".", "-")
