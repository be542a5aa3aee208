"""Images become pixels: formats, colours, depth, strips, and the memory that threads share."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngInfo
from support.images import encoded, noise, rgb_profile

from idbench import images
from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, MemoryBudget, decode, profile_fault, size_of

MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"]


def in_mode(mode: str) -> bytes:
    picture = noise(61, 47)
    if mode == "I;16":
        deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        return encoded(Image.fromarray(deep), "PNG")
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    elif mode == "LA":
        picture = picture.convert("L")
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    elif mode == "P":
        return encoded(picture.convert("P"), "PNG", transparency=3)
    else:
        picture = picture.convert(mode)
    return encoded(picture, "TIFF" if mode == "CMYK" else "PNG")


@pytest.mark.parametrize("mode", MODES)
def test_strips_give_the_pixels_of_the_whole(mode, monkeypatch):
    data = in_mode(mode)
    whole = decode(data)
    assert whole.shape == (47, 61, 3)
    monkeypatch.setattr(images, "STRIP_PIXELS", 5 * 61)
    assert np.array_equal(decode(data), whole)


def test_a_picture_on_its_side_is_turned_in_strips_too(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = noise(61, 47)
    data = encoded(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    monkeypatch.setattr(images, "STRIP_PIXELS", 5 * 61)
    assert np.array_equal(decode(data), np.asarray(upright))


WIDE = rgb_profile((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
"""Primaries far outside sRGB's."""


def test_colours_of_a_wide_profile_are_brought_to_srgb(monkeypatch):
    """Greys stay greys, colours become stronger; in strips as in one."""
    picture = Image.new("RGB", (40, 30), (150, 100, 100))
    picture.paste((128, 128, 128), (0, 0, 40, 15))
    data = encoded(picture, "PNG", icc_profile=WIDE)
    found = decode(data)
    assert np.ptp(found[0, 0].astype(int)) <= 2
    assert found[29, 0, 0] - int(found[29, 0, 1]) > 60
    monkeypatch.setattr(images, "STRIP_PIXELS", 7 * 40)
    assert np.array_equal(decode(data), found)


def test_profiles_of_srgb_and_damaged_ones_change_nothing():
    picture = noise(40, 30)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"damaged", lab):
        assert np.array_equal(decode(encoded(picture, "PNG", icc_profile=profile)), np.asarray(picture))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_profile_that_cannot_be_used_is_a_fault(form):
    picture = noise(40, 30)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"damaged", WIDE[:-200], lab):
        assert profile_fault(encoded(picture, form, icc_profile=profile)) is not None
    for data in (encoded(picture, form, icc_profile=WIDE), encoded(picture, form), b"ICC_PROFILE", b""):
        assert profile_fault(data) is None


def behind_the_pixels(data: bytes) -> bytes:
    """The same PNG, its EXIF moved behind the pixels."""
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def test_the_size_of_a_turned_png_is_that_which_is_seen():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(noise(61, 47), "PNG", exif=exif)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    for data in (turned, behind_the_pixels(turned), encoded(noise(61, 47), "PNG", pnginfo=text)):
        height, width, _ = decode(data).shape
        assert size_of(EncodedImage("turned", data=data)) == (width, height) == (47, 61)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_picture_upright(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    if not features.check("avif") and form == "AVIF":
        pytest.skip("this Pillow writes no AVIF")
    data = encoded(noise(61, 47), form, exif=exif)
    height, width, _ = decode(data).shape
    assert size_of(EncodedImage("turned", data=data)) == (width, height)


def test_texts_of_a_png_are_no_reason_to_decode_it(monkeypatch):
    text = PngInfo()
    text.add_text("prompt", "a photo")
    data = encoded(noise(61, 47), "PNG", pnginfo=text)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    assert size_of(EncodedImage("plain", data=data)) == (61, 47)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read():
    picture = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    found = decode(encoded(picture, "AVIF", quality=95))
    assert found.shape == (48, 64, 3)
    assert np.abs(found.astype(int) - np.asarray(picture)).mean() < 4


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "SVG"),
        (b"<!DOCTYPE html><html>", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"not an image at all", "text"),
        (bytes(100), "only zero bytes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "damaged: begins like PNG"),
    ],
)
def test_what_is_no_image_is_called_what_it_looks_like(data, what):
    with pytest.raises(UnreadableImageError, match=what):
        decode(data, "x.jpg")


def test_the_size_is_known_before_decoding(tmp_path):
    data = encoded(noise(61, 47), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    for image in (EncodedImage("a", data=data), EncodedImage("a", path=tmp_path / "a.png")):
        assert size_of(image) == (61, 47)
        assert image.encoded_size() == len(data)
    for image in (EncodedImage("x", data=b"text"), EncodedImage("x", path=tmp_path / "none"), EncodedImage("x")):
        assert size_of(image) is None


def test_the_size_of_a_png_is_known_without_decoding_it():
    data = encoded(noise(61, 47), "PNG")
    assert size_of(EncodedImage("cut", data=data[:100])) == (61, 47)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert size_of(EncodedImage("turned", data=encoded(noise(61, 47), "PNG", exif=exif))) == (47, 61)


def test_a_budget_is_never_exceeded_and_always_given_back():
    budget, held, peak = MemoryBudget(10), [0], [0]
    lock = threading.Lock()

    def work(amount: int) -> None:
        for _ in range(20):
            with budget.taken(amount):
                with lock:
                    held[0] += min(amount, 10)
                    peak[0] = max(peak[0], held[0])
                with lock:
                    held[0] -= min(amount, 10)

    threads = [threading.Thread(target=work, args=(amount,)) for amount in (1, 3, 6, 9, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert held == [0]
    assert peak[0] <= 10
    with pytest.raises(ZeroDivisionError), budget.taken(10):
        raise ZeroDivisionError
    with budget.taken(10):
        pass
