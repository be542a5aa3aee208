"""Photos of references as they are sent."""

from __future__ import annotations

from PIL import Image
from support.images import encoded, noise

from idbench.images import decode
from idbench.models.hosted.references import image_format, to_send


def test_photos_are_sent_upright_reduced_and_without_what_cameras_add():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    sent = to_send(encoded(noise(60, 30), "JPEG", exif=exif), 40)
    assert decode(sent).shape == (40, 20, 3) and b"camera" not in sent
    assert image_format(to_send(encoded(noise(1500, 1500), "PNG"), 2048)) == "jpeg"
