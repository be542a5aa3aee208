"""What is odd about an image that can be read: what of it is not measured, or that it hardly shows anything.

Numbers are given all the same; a run counts these images and names the first.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image

from idbench.image_formats import FORMATS, plugin_formats
from idbench.images import HIGH_DEPTH, full_scale, highest_sample, profile_fault, to_measured_page

__all__ = ["KINDS", "ImageRemarks", "remarks_of"]

KINDS = ("profile", "frames", "content")
"""Its colour profile was ignored; it holds more than is measured; its pixels are hardly a picture."""

LOW_DEPTHS = (8, 10, 12)
"""Bits of samples that are found in 16-bit files without being scaled."""


def remarks_of(data: bytes) -> dict[str, str]:
    """Kind -> what is odd about encoded bytes; empty for most images, and for what cannot be read."""
    found = {"profile": profile_fault(data)}
    try:
        with Image.open(io.BytesIO(data), formats=(*FORMATS, *plugin_formats())) as image:
            found["frames"] = _about_frames(image)
            to_measured_page(image)
            found["content"] = _about_content(image)
    except Exception:  # as in `images.decode`, which says why
        pass
    return {kind: remark for kind, remark in found.items() if remark is not None}


def _about_frames(image: Image.Image) -> str | None:
    count = getattr(image, "n_frames", 1)
    if count < 2:
        return None
    tiff = image.format == "TIFF"
    return f"{count} {'pages' if tiff else 'frames'}, the {'largest' if tiff else 'first'} is measured"


def _about_content(image: Image.Image) -> str | None:
    """Whether nothing of a picture is left: nothing opaque, one colour only, samples far below or above their range."""
    image.draft("RGB", (image.width // 8, image.height // 8))  # of a JPEG; an eighth has the same single colour
    image.load()
    if "A" in image.getbands() and image.getchannel("A").getextrema() == (0, 0):
        return "transparent everywhere, so that it is white"
    if image.mode in HIGH_DEPTH:
        return _about_samples(image)
    ranges = (image.getchannel(band).getextrema() for band in image.getbands())
    return "of one colour everywhere" if all(low == high for low, high in ranges) else None


def _about_samples(image: Image.Image) -> str | None:
    highest = highest_sample(image)
    white = full_scale(image, highest)
    if highest > 1.5 * white:
        return f"samples up to {highest:.6g}, and what is above {white:.6g} is white"
    if highest == 0:
        return "of one colour everywhere"
    bits = next((bits for bits in LOW_DEPTHS if white == 65535.0 and highest < 2**bits), None)
    if bits is None:
        return None
    return f"samples of 16 bits up to {highest:.6g}, nearly black; {bits}-bit numbers that were not scaled?"


@dataclass
class ImageRemarks:
    """The remarks on many images: kind -> image -> what is odd about it."""

    by_kind: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, image: str, remarks: dict[str, str]) -> None:
        """Take one image's in."""
        for kind, remark in remarks.items():
            self.by_kind[kind][image] = remark
