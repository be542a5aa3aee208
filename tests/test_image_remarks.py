"""Images that can be read and are odd are named; samples are scaled by their own range."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.images import encoded, noise

from idbench.image_remarks import remarks_of
from idbench.images import EncodedImage, decode, size_of

GREY = np.asarray(noise(40, 30).convert("L"))


def several(first: Image.Image, second: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    first.save(buffer, form, save_all=True, append_images=[second], lossless=True)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF"])
def test_frames_are_counted_and_the_first_is_measured(form):
    data = several(Image.new("RGB", (40, 30)), noise(40, 30), form)
    assert remarks_of(data)["frames"] == "2 frames, the first is measured"
    assert decode(data).max() == 0


def test_the_largest_page_is_measured():
    picture = noise(40, 30)
    data = several(picture.resize((8, 6)), picture, "TIFF")
    assert remarks_of(data) == {"frames": "2 pages, the largest is measured"}
    assert np.array_equal(decode(data), np.asarray(picture))
    assert size_of(EncodedImage("x", data=data)) == (40, 30)


@pytest.mark.parametrize(
    "samples", [GREY.astype(np.float32), GREY.astype(np.int32), GREY.astype(np.float32) / np.float32(255)]
)
def test_samples_of_a_tiff_are_scaled_by_their_range(samples):
    data = encoded(Image.fromarray(samples), "TIFF")
    assert np.array_equal(decode(data)[..., 0], GREY) and not remarks_of(data)


@pytest.mark.parametrize(("shift", "remark"), [(0, "8-bit"), (2, "10-bit"), (4, "12-bit"), (8, None)])
def test_16_bit_samples_that_were_not_scaled_are_named(shift, remark):
    found = remarks_of(encoded(Image.fromarray(GREY.astype(np.uint16) << shift), "PNG"))
    assert (remark in found["content"]) if remark else not found


def test_pictures_of_which_nothing_is_left_are_named():
    clear = noise(40, 30).convert("RGBA")
    clear.putalpha(0)
    assert "transparent everywhere" in remarks_of(encoded(clear, "PNG"))["content"]
    for form in ("PNG", "JPEG"):
        assert "one colour" in remarks_of(encoded(Image.new("RGB", (40, 30), (9, 8, 7)), form))["content"]
        assert not remarks_of(encoded(noise(40, 30), form))
    assert remarks_of(b"") == remarks_of(b"no image") == {}
