"""Bad and odd images decoded: the same pixels whatever the format, and bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.images import encoded
from support.odd_images import gray16, rgb16, turned

from idbench.errors import UnreadableImageError
from idbench.images import EncodedImage, decode


def test_sixteen_bit_images_are_scaled_not_clipped(photo: Image.Image):
    luma = np.asarray(photo.convert("L"), np.int16)
    assert np.abs(decode(gray16(photo))[..., 0].astype(np.int16) - luma).max() <= 1
    assert np.abs(decode(rgb16(photo)).astype(np.int16) - np.asarray(photo, np.int16)).max() <= 1


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (decode(encoded(clear, "PNG")) == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0] * 256)
    assert (decode(encoded(palette, "PNG", transparency=0)) == 255).all()


def test_a_turned_photo_is_stood_upright(photo: Image.Image):
    assert (decode(turned(photo, "PNG")) == np.asarray(photo)).all()


def test_the_first_frame_of_an_animation_counts(photo: Image.Image, files):
    assert (decode(files["animated.webp"]) == np.asarray(photo)).all()


@pytest.mark.parametrize("name", ["bomb.png", "bomb.gif"])
def test_a_decompression_bomb_costs_neither_time_nor_memory(name: str, files, tmp_path: Path):
    (tmp_path / name).write_bytes(files[name])
    script = (
        "import sys, time, resource; from pathlib import Path\n"
        "from idbench.images import decode; from idbench.errors import UnreadableImageError\n"
        "before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()\n"
        "try: decode(Path(sys.argv[1]).read_bytes())\n"
        "except UnreadableImageError as error: pass\n"
        "else: sys.exit('decoded')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.monotonic() - began)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=True)
    kilobytes, seconds = map(float, done.stdout.split())
    assert kilobytes < 50_000 and seconds < 2


def test_reading_stops_at_the_size_limit_and_at_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", tmp_path, tmp_path / "absent.jpg", Path("/dev/zero")):
        began = time.monotonic()
        with pytest.raises(UnreadableImageError):
            EncodedImage("x", path=path).read()
        assert time.monotonic() - began < 1
