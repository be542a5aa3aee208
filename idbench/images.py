"""Encoded images and the one way they become pixels.

Every image in idbench is decoded here: 8-bit RGB, EXIF orientation applied, first frame of an
animation, largest page of a TIFF, 16-bit scaled (not clipped) to 8, colours of an embedded ICC
profile converted to sRGB, transparency laid on white. What cannot be decoded within these limits
raises `UnreadableImageError`, which the pipeline records as an outcome.
"""

from __future__ import annotations

import hashlib
import io
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError, _imaging

from idbench.errors import UnreadableImageError
from idbench.image_formats import FORMATS, plugin_formats, unread_format
from idbench.store import write_bytes

__all__ = [
    "DECODE_VERSION",
    "MAX_JPEG_SIDE",
    "MAX_PIXELS",
    "EncodedImage",
    "MemoryBudget",
    "decode",
    "digest_of",
    "encode_jpeg",
    "encode_png",
    "full_scale",
    "highest_sample",
    "luma",
    "profile_fault",
    "size_of",
    "to_measured_page",
]

DECODE_VERSION = 3
"""Part of every cache key; raise it when decoding, padding or alignment give other pixels for the same bytes."""

MAX_PIXELS = 100_000_000
"""Largest image that is decoded, in pixels (10,000 x 10,000)."""

MAX_BYTES = 512 * 1024 * 1024
"""Largest encoded file that is read."""

MAX_PAGES = 64
"""Pages of a TIFF that are looked at for the largest."""

MAX_JPEG_SIDE = 65_500
"""Longest side the JPEG encoder takes, in pixels."""

STRIP_PIXELS = 1 << 22
"""Pixels of an image that are brought to 8-bit RGB at a time."""

# What decoders warn of ends in an outcome or does not matter. `warnings.catch_warnings` around each image changes the
# whole process: threads would lose each other's warnings, and those of the run.
warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif|pillow_jxl|idbench\.images)(\.|$)")

_imaging.set_block_size(64 << 20)  # blocks of Pillow's usual 16 MiB stay with the thread that freed them (glibc)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TOLD_IN_TEXTS = (b"XML:com.adobe.xmp", b"Raw profile type exif")
"""How texts of a PNG begin that may say which side is up."""

_PROFILE_MARKS = (b"iCCP", b"ICC_PROFILE", b"ICCP", b"colrprof", b"acsp")
"""One of them stands in every file with a colour profile: of PNG, JPEG, WebP, AVIF; the profile's own."""

_NO_PROFILE = (ImageCms.PyCMSError, OSError, ValueError)
"""What a profile that cannot be used raises."""

HIGH_DEPTH = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
"""Pillow's modes of more than 8 bits."""

MAX_UNIT_SAMPLE = 1.5
"""Highest sample of a picture whose floats are 0 to 1: filters leave a little above."""

MAX_BYTE_SAMPLE = 300.0
"""Likewise of one whose floats are 0 to 255."""

RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class EncodedImage:
    """An image as it was stored: a file on disk, bytes out of a parquet row, or one that was analysed
    before and is known by its digest alone.

    `name` is what messages call it. At most one of `path` and `data` is set; `digest` says what was read there before,
    "" that it could not be; `copy` is a file that holds it for as long as a run lasts.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None
    digest: str | None = None
    copy: Path | None = None

    @property
    def file(self) -> Path | None:
        """Where it lies, or a copy; None where it lies in no file."""
        return self.path or self.copy

    def read(self) -> bytes:
        """The encoded bytes. Raises `UnreadableImageError` if the file cannot be read."""
        if self.data is not None:
            return self.data
        if self.file is None:
            raise UnreadableImageError(f"{self.name}: its faces left the cache during the run; run again")
        try:
            found = self.file.stat()
            if not stat.S_ISREG(found.st_mode):  # a pipe would keep the run waiting for ever
                raise UnreadableImageError(f"{self.name}: not a regular file")
            if found.st_size > MAX_BYTES:
                raise UnreadableImageError(f"{self.name}: larger than {MAX_BYTES >> 20} MiB")
            return self.file.read_bytes()
        except OSError as error:
            raise UnreadableImageError(f"{self.name}: {error.strerror or error}") from error

    def encoded_size(self) -> int:
        """Bytes it takes up encoded; 0 where it cannot be read."""
        if self.data is not None:
            return len(self.data)
        try:
            return min(self.file.stat().st_size, MAX_BYTES) if self.file is not None else 0
        except OSError:
            return 0

    def without_bytes(self, digest: str) -> EncodedImage:
        """The image as it is known after it was read."""
        return EncodedImage(self.name, path=self.path, digest=digest, copy=self.copy)

    def file_in(self, folder: Path) -> Path:
        """The image as a file: where it lies, else written into `folder`, named by its digest."""
        if self.file is not None:
            return self.file
        data = self.read()
        path = folder / digest_of(data)
        if not path.exists():
            write_bytes(path, data)
        return path

    def copied_to(self, folder: Path) -> EncodedImage:
        """The image, and where it lies in no file, a copy of it in `folder`."""
        return self if self.file is not None else replace(self, copy=self.file_in(folder))


def digest_of(data: bytes) -> str:
    """SHA-256 of encoded bytes, hexadecimal: the identity of an image everywhere in idbench."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes, name: str = "image") -> RGB:
    """Pixels of an encoded image.

    Parameters
    ----------
    data : encoded bytes of a JPEG, PNG, WebP, BMP, TIFF, GIF, PPM or AVIF file; of HEIC and JPEG XL with plug-ins.
    name : what an error message calls the image.

    Returns
    -------
    uint8 array (height, width, 3), RGB.

    Raises
    ------
    UnreadableImageError : empty, truncated, of another format, or above `MAX_PIXELS`.
    """
    if not data:
        raise UnreadableImageError(f"{name}: empty file")
    try:
        with Image.open(io.BytesIO(data), formats=(*FORMATS, *plugin_formats())) as image:
            to_measured_page(image)
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"{name}: {width} x {height} pixels, limit {MAX_PIXELS // 1_000_000} megapixels"
                )
            return _to_rgb(image)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"{name}: {unread_format(data)}") from error
    except Exception as error:  # Pillow's decoders raise anything from SyntaxError to MemoryError
        reason = str(error).split("<")[0].strip() or type(error).__name__
        raise UnreadableImageError(f"{name}: cannot be decoded ({reason})") from error


def size_of(image: EncodedImage) -> tuple[int, int] | None:
    """Width and height of an image as it stands upright, by its header alone; None where that cannot be read."""
    try:
        if image.data is None and (image.file is None or not image.file.is_file()):
            return None  # a pipe would keep the run waiting for ever
        with _opened(image) as file, Image.open(file, formats=(*FORMATS, *plugin_formats())) as opened:
            to_measured_page(opened)
            width, height = opened.size
            known = opened.format != "PNG" or "exif" in opened.info or _tells_orientation(file)
            exif = opened.getexif() if known else {}
            if opened.format == "TIFF":  # newer versions of Pillow have turned the size already
                width, height = exif[ExifTags.Base.ImageWidth], exif[ExifTags.Base.ImageLength]
            turned = exif.get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    except Exception:  # as in `decode`; whoever decodes it says why
        return None
    return (height, width) if turned else (width, height)


def to_measured_page(image: Image.Image) -> None:
    """Go to what is measured of an image of several: of a TIFF the largest page, the first of several as large, because
    a preview may come first; else the first frame."""
    pages = min(getattr(image, "n_frames", 1), MAX_PAGES) if image.format == "TIFF" else 1
    sizes = []
    for page in range(pages if pages > 1 else 0):
        image.seek(page)
        sizes.append(image.size[0] * image.size[1])
    image.seek(sizes.index(max(sizes)) if sizes else 0)


def _opened(image: EncodedImage) -> BinaryIO:
    return image.file.open("rb") if image.data is None and image.file is not None else io.BytesIO(image.data or b"")


def _tells_orientation(png: BinaryIO) -> bool:
    """Whether a PNG may say which side is up, behind its pixels or in a text; asking Pillow decodes all of it."""
    place = png.tell()
    try:
        png.seek(len(PNG_SIGNATURE))
        while len(head := png.read(8)) == 8:
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            if name == b"eXIf" or png.read(min(32, length)).startswith(_TOLD_IN_TEXTS):
                return True
            png.seek(length - min(32, length) + 4, io.SEEK_CUR)
        return False
    finally:
        png.seek(place)


def profile_fault(data: bytes) -> str | None:
    """What is wrong with the colour profile of encoded bytes, so that `decode` leaves it aside; None where nothing is,
    there is none, or the bytes are no image."""
    if not any(mark in data for mark in _PROFILE_MARKS):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=(*FORMATS, *plugin_formats())) as image:
            profile, mode = image.info.get("icc_profile"), _profile_mode(image)
    except Exception:  # as in `decode`; whoever decodes it says why
        return None
    try:
        if profile:
            _build_transform(profile, mode)
    except _NO_PROFILE:
        return "damaged, or of colours of another kind"
    return None


class MemoryBudget:
    """Bytes that threads may hold at a time; a thread that wants more waits for others to be done.

    Whoever wants more than there is at all gets everything, alone.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Hold `wanted` bytes while the block runs."""
        share = min(wanted, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


def _to_rgb(image: Image.Image) -> RGB:
    """The page shown, upright, 8-bit RGB; made a strip of rows at a time, so that memory stays near the result's."""
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    width, height = image.size
    colours = _Colours(image)
    rows = max(1, STRIP_PIXELS // max(1, width))
    if rows >= height:
        return np.asarray(colours.to_rgb(image))
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        result[top:bottom] = np.asarray(colours.to_rgb(image.crop((0, top, width, bottom))))
    return result


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _profile_mode(image: Image.Image) -> str:
    """The mode in which an image's colours are those that its profile speaks of."""
    if image.mode in HIGH_DEPTH or image.mode in ("L", "LA", "La"):
        return "L"
    return image.mode if image.mode in ("RGB", "CMYK") else "RGB"


class _Colours:
    """From the colours of one image, or of a strip of it, to sRGB on white."""

    def __init__(self, image: Image.Image) -> None:
        self._full_scale = full_scale(image, highest_sample(image)) if image.mode in HIGH_DEPTH else 255.0
        self._mode = _profile_mode(image)
        self._transform = _transform(image.info.get("icc_profile"), self._mode)

    def to_rgb(self, strip: Image.Image) -> Image.Image:
        """The strip as 8-bit RGB."""
        if strip.mode in HIGH_DEPTH:
            strip = _high_depth_to_8_bit(strip, self._full_scale)
        alpha = strip.convert("RGBA").getchannel("A") if _has_alpha(strip) else None
        if self._transform is not None:
            base = strip if strip.mode == self._mode else strip.convert(self._mode)
            strip = ImageCms.applyTransform(base, self._transform) or strip
            if alpha is not None:
                strip.putalpha(alpha)
        if alpha is not None:
            layered = strip.convert("RGBA")
            strip = Image.new("RGBA", layered.size, (255, 255, 255, 255))
            strip.alpha_composite(layered)
        return strip if strip.mode == "RGB" else strip.convert("RGB")


def highest_sample(image: Image.Image) -> float:
    """The highest finite sample of an image of more than 8 bits; 0 where none is finite."""
    samples: npt.NDArray[Any] = np.asarray(image)
    return float(np.max(samples, initial=0, where=np.isfinite(samples)))


def full_scale(image: Image.Image, highest: float) -> float:
    """The sample that is white in an image of more than 8 bits: 65535, of floats 1.

    Floats up to 255 and 32-bit integers up to 255, which only TIFF has, are 8-bit numbers written so.
    """
    if image.mode == "F":
        return 1.0 if highest <= MAX_UNIT_SAMPLE else 255.0 if highest <= MAX_BYTE_SAMPLE else 65535.0
    return 255.0 if image.mode == "I" and image.format == "TIFF" and highest <= 255 else 65535.0


def _high_depth_to_8_bit(image: Image.Image, white: float) -> Image.Image:
    """Scale samples from 0..white to 0..255; what is no number is black."""
    samples: npt.NDArray[Any] = np.nan_to_num(np.asarray(image).astype(np.float64))
    scaled = np.clip(np.rint(samples / white * 255.0), 0, 255).astype(np.uint8)
    return Image.fromarray(scaled)


def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an embedded profile to sRGB; None where there is none, it is damaged, or is sRGB already."""
    if not profile:
        return None
    try:
        transform = _build_transform(profile, mode)
    except _NO_PROFILE:
        return None
    return None if mode == "RGB" and _changes_little(transform) else transform


def _build_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _changes_little(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether colours all over the cube move by no more than rounding: the profile is sRGB under whatever name."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)
    moved = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return moved is None or int(np.abs(np.asarray(moved).astype(int) - cube.astype(int)).max()) <= 2


def encode_jpeg(pixels: RGB, quality: int = 95) -> bytes:
    """JPEG bytes (4:4:4) of an RGB array; the same bytes for the same pixels.

    Raises `ValueError` above `MAX_JPEG_SIDE`.
    """
    if max(pixels.shape) > MAX_JPEG_SIDE:
        raise ValueError(f"{pixels.shape[1]} x {pixels.shape[0]} pixels, and a JPEG has at most {MAX_JPEG_SIDE} a side")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def encode_png(pixels: RGB) -> bytes:
    """PNG bytes of an RGB array, nothing lost; other zlib versions may pack the same pixels into other bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def luma(pixels: RGB) -> RGB:
    """BT.601 luma of an RGB array: uint8, the shape without its last axis."""
    weights = np.array([0.299, 0.587, 0.114])
    result: RGB = np.rint(pixels.astype(np.float64) @ weights).astype(np.uint8)
    return result
