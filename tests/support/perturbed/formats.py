"""The same picture in other formats, and files that are no picture."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms
from support.images import encoded, rgb_profile
from support.odd_images import png, png_chunk, rgb16
from support.perturbed.effects import EXACT, LOSSY, Effect, perturbation
from support.perturbed.world import Entry, File, World

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip
"""EXIF orientation -> how an upright picture is stored under it."""


def _oriented(picture: Image.Image, form: str, rng: random.Random, **how: object) -> bytes:
    exif = Image.Exif()
    exif[274] = rng.choice(list(TURNS))
    return encoded(picture.transpose(TURNS[exif[274]]), form, exif=exif, **how)


def _exif_behind(picture: Image.Image, rng: random.Random) -> bytes:
    """A PNG whose EXIF stands after the pixels."""
    data = _oriented(picture, "PNG", rng)
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    rest = data[:start] + data[end:]
    tail = rest.index(b"IEND") - 4
    return rest[:tail] + data[start:end] + rest[tail:]


def _opaque(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    picture.putalpha(255)
    return picture


def _pages(picture: Image.Image, form: str, **how: object) -> bytes:
    """The picture, and another behind it."""
    other = Image.new("RGB", picture.size, (200, 10, 10))
    return encoded(picture, form, save_all=True, append_images=[other], **how)


LOSSLESS: dict[str, tuple[str, Callable[[Image.Image, random.Random], bytes]]] = {
    "PNG": (".png", lambda p, _: encoded(p, "PNG", compress_level=1)),
    "BMP": (".bmp", lambda p, _: encoded(p, "BMP")),
    "TIFF": (".tif", lambda p, _: encoded(p, "TIFF")),
    "TIFF, LZW": (".tiff", lambda p, _: encoded(p, "TIFF", compression="tiff_lzw")),
    "TIFF, turned": (".tiff", lambda p, rng: _oriented(p, "TIFF", rng)),
    "TIFF, two pages": (".tiff", lambda p, _: _pages(p, "TIFF")),
    "WebP": (".webp", lambda p, _: encoded(p, "WEBP", lossless=True)),
    "WebP, turned": (".webp", lambda p, rng: _oriented(p, "WEBP", rng, lossless=True)),
    "WebP, animated": (".webp", lambda p, _: _pages(p, "WEBP", lossless=True)),
    "WebP, sRGB": (".webp", lambda p, _: encoded(p, "WEBP", lossless=True, icc_profile=SRGB)),
    "PPM": (".ppm", lambda p, _: encoded(p, "PPM")),
    "16 bit": (".png", lambda p, _: rgb16(p)),
    "RGBA": (".png", lambda p, _: encoded(_opaque(p), "PNG")),
    "RGBA, TIFF": (".tif", lambda p, _: encoded(_opaque(p), "TIFF")),
    "sRGB": (".png", lambda p, _: encoded(p, "PNG", icc_profile=SRGB)),
    "turned": (".png", lambda p, rng: _oriented(p, "PNG", rng)),
    "turned, EXIF behind": (".png", _exif_behind),
    "animated PNG": (".png", lambda p, _: _pages(p, "PNG")),
    "bytes behind": (".png", lambda p, rng: encoded(p, "PNG") + rng.randbytes(100)),
}


def _give(file: File, data: bytes, suffix: str) -> None:
    file.data = data
    file.name = file.called(suffix=suffix)


def _a_file(entry: Entry, rng: random.Random) -> File:
    return rng.choice([*entry.photos(), *entry.images])


@perturbation("formats")
def other_lossless_format(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, form = _a_file(entry, rng), rng.choice(list(LOSSLESS))
    suffix, make = LOSSLESS[form]
    _give(file, make(file.picture(), rng), rng.choice([suffix, suffix.upper()]))
    return Effect({entry.was}, [file], equal=EXACT, detail=form)


@perturbation("formats")
def whole_case_in_another_format(world: World, entry: Entry, rng: random.Random) -> Effect:
    for file in (*entry.photos(), *entry.images):
        suffix, make = LOSSLESS[rng.choice(list(LOSSLESS))]
        _give(file, make(file.picture(), rng), suffix)
    return Effect({entry.was}, equal=EXACT)


@perturbation("formats")
def suffix_of_another_format(world: World, entry: Entry, rng: random.Random) -> Effect:
    file = _a_file(entry, rng)
    _, make = LOSSLESS[rng.choice(list(LOSSLESS))]
    _give(
        file, make(file.picture(), rng), rng.choice([".jpg", ".jpeg", ".png", ".JPG", ".tif", ".gif", ".avif", ".jpe"])
    )
    return Effect({entry.was}, [file], equal=EXACT, detail=file.name)


@perturbation("formats")
def suffix_of_a_format_that_is_not_read(world: World, entry: Entry, rng: random.Random) -> Effect:
    file = _a_file(entry, rng)
    file.name = file.called(suffix=rng.choice([".heic", ".jxl", ".jp2", ".HEIC", ".webm"]))
    return Effect({entry.was}, [file], detail=file.name)


@perturbation("formats")
def strange_suffix(world: World, entry: Entry, rng: random.Random) -> Effect:
    file = _a_file(entry, rng)
    file.name = file.called(suffix=rng.choice([".image", ".png_", ".png~", ".bak", ".part", ".png.tmp", ".jpg_large"]))
    return Effect({entry.was}, [file], detail=file.name)


@perturbation("formats")
def no_suffix(world: World, entry: Entry, rng: random.Random) -> Effect | None:
    if entry.id == "kim.b":
        return None
    file = _a_file(entry, rng)
    file.name = file.called(suffix="")
    return Effect({entry.was}, [file], equal=EXACT)


LOSSY_FORMS: dict[str, tuple[str, Callable[[Image.Image, random.Random], bytes]]] = {
    "JPEG": (".jpg", lambda p, _: encoded(p, "JPEG", quality=100, subsampling=0)),
    "JFIF": (".jfif", lambda p, _: encoded(p, "JPEG", quality=100, subsampling=0)),
    "JPEG, progressive": (".JPEG", lambda p, _: encoded(p, "JPEG", quality=100, subsampling=0, progressive=True)),
    "JPEG, turned": (".jpg", lambda p, rng: _oriented(p, "JPEG", rng, quality=100, subsampling=0)),
    "MPO": (".mpo", lambda p, _: _pages(p, "MPO", quality=100, subsampling=0)),
    "AVIF": (".avif", lambda p, _: encoded(p, "AVIF", quality=100, subsampling="4:4:4")),
    "wide gamut": (".png", lambda p, _: _wide(p)),
    "white to alpha": (".png", lambda p, _: encoded(_without_white(p), "PNG")),
}
WIDE = rgb_profile((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))


def _without_white(picture: Image.Image) -> Image.Image:
    """As little opaque as can be; laid on white, it is the same picture."""
    pixels = np.asarray(picture, np.float64)
    opaque = np.ceil(255 - pixels.min(axis=2, keepdims=True))
    colours = 255 - (255 - pixels) * 255 / np.maximum(opaque, 1)
    return Image.fromarray(np.rint(np.concatenate([colours, opaque], axis=2)).clip(0, 255).astype(np.uint8), "RGBA")


def _wide(picture: Image.Image) -> bytes:
    """The same colours in a wide profile of gamma 1.8."""
    source = ImageCms.createProfile("sRGB")
    goal = ImageCms.ImageCmsProfile(io.BytesIO(WIDE))
    return encoded(ImageCms.profileToProfile(picture, source, goal), "PNG", icc_profile=WIDE)


@perturbation("formats")
def lossy_format(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, form = _a_file(entry, rng), rng.choice(list(LOSSY_FORMS))
    suffix, make = LOSSY_FORMS[form]
    _give(file, make(file.picture(), rng), suffix)
    return Effect({entry.was}, [file], equal=LOSSY, detail=form)


def _flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit of a PNG's pixels is another."""
    start = data.index(b"IDAT")
    at = rng.randrange(start + 20, len(data) - 40)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _damaged_profile(file: File, rng: random.Random) -> bytes:
    profile = rng.choice(
        [
            b"damaged",
            SRGB[:100],
            WIDE[:-200],
            rng.randbytes(300),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        ]
    )
    return encoded(file.picture(), "PNG", icc_profile=profile)


BROKEN: dict[str, Callable[[File, random.Random], bytes]] = {
    "empty": lambda f, _: b"",
    "truncated": lambda f, rng: f.data[: rng.randrange(1, len(f.data) - 30)],
    "header only": lambda f, _: f.data[:33],
    "one bit": lambda f, rng: _flipped(f.data, rng),
    "zeros": lambda f, _: bytes(len(f.data)),
    "zeros at the end": lambda f, _: f.data[: len(f.data) // 2] + bytes(len(f.data) // 2),
    "HTML": lambda f, _: b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "LFS": lambda f, _: b"version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 12\n",
    "link text": lambda f, _: b"../blobs/0123456789abcdef",
    "HEIC": lambda f, _: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "JPEG XL": lambda f, _: b"\xff\x0a" + bytes(200),
    "SVG": lambda f, _: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "JSON": lambda f, _: b'{"error": "rate limit"}',
    "base64": lambda f, _: b"data:image/png;base64,iVBORw0KGgo=",
    "zip": lambda f, _: b"PK\x03\x04" + bytes(100),
    "video": lambda f, _: b"\0\0\0\x18ftypmp42\0\0\0\0" + bytes(200),
    "bomb": lambda f, _: png(60_000, 60_000, 8, 2, bytes(100)),
    "no pixels": lambda f, _: b"\x89PNG\r\n\x1a\n" + f.data[8:33] + png_chunk(b"IEND", b""),
    "half of it": lambda f, _: encoded(Image.fromarray(np.asarray(f.picture())[: f.picture().height // 2]), "PNG")[:-60],
}  # fmt: skip


@perturbation("formats")
def broken_file(world: World, entry: Entry, rng: random.Random) -> Effect:
    file, how = _a_file(entry, rng), rng.choice(list(BROKEN))
    file.data = BROKEN[how](file, rng)
    return Effect({entry.was}, [file], detail=f"{how}: {file.name}")


@perturbation("formats")
def several_broken_images(world: World, entry: Entry, rng: random.Random) -> Effect:
    for one in world.entries:
        for image in one.images:
            image.data = BROKEN[rng.choice(["empty", "truncated", "HTML", "LFS", "HEIC"])](image, rng)
    return Effect(set())


@perturbation("formats")
def damaged_profile(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Numbers stay those of the pixels as they are; whether they are right, nobody knows: it must be said."""
    file = _a_file(entry, rng)
    _give(file, _damaged_profile(file, rng), ".png")
    return Effect({entry.was}, [file], said=True)


@perturbation("formats")
def contact_sheet(world: World, entry: Entry, rng: random.Random) -> Effect:
    """Several samples in one image: 2 x 2, 3 x 2, or side by side; copies of the case's own image."""
    image, (columns, rows) = rng.choice(entry.images), rng.choice([(2, 2), (3, 2), (2, 1), (1, 2), (4, 1)])
    picture = image.picture()
    sheet = Image.new("RGB", (columns * picture.width, rows * picture.height))
    for i in range(columns * rows):
        sheet.paste(picture, (i % columns * picture.width, i // columns * picture.height))
    _give(image, encoded(sheet, "PNG"), ".png")
    return Effect({entry.was}, [image], said=True, detail=f"{columns} x {rows}")
