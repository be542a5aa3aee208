"""What lies behind people, and what a camera makes of the light."""

from __future__ import annotations

import cv2
import numpy as np

from idbench.images import RGB
from idbench.synthetic.appearance import Background, Camera
from idbench.synthetic.surfaces import Float

__all__ = ["backdrop", "develop"]


def backdrop(background: Background, width: int, height: int) -> Float:
    """Linear light (height, width, 3) of an out-of-focus room or landscape."""
    rng = np.random.default_rng(background.seed)
    side = max(width, height)
    base, colourful = background.brightness, background.saturation
    tint = base + (rng.random(3) - 0.5) * 0.5 * colourful
    cells = tint + (rng.random((4, 4, 1)) - 0.5) * 0.5 * base + (rng.random((4, 4, 3)) - 0.5) * 0.25 * colourful
    picture = cv2.resize(cells.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 7))):
        x, y = rng.integers(-side // 10, side, 2)
        w, h = rng.integers(side // 12, side // 2), rng.integers(side // 12, side)
        grey = float(np.clip(base + rng.normal(0, 0.2), 0.03, 0.95))
        colour = np.clip(grey + (rng.random(3) - 0.5) * 0.8 * colourful, 0.02, 1)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), [float(v) for v in colour], -1)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(2.5, 9)) * side / 256)
    return np.asarray(np.clip(picture[:height, :width], 0.02, 1) ** np.float32(2.2), np.float32)


def develop(light: Float, camera: Camera) -> RGB:
    """Pixels (height, width, 3) uint8 of linear light: exposure, white balance, tone curve, blur, noise, JPEG."""
    rng = np.random.default_rng(camera.seed)
    red, blue = camera.white_balance
    exposed = np.clip(light * camera.exposure * np.array([red, 1, blue], np.float32), 0, None)
    # A soft shoulder: highlights fade instead of clipping.
    toned = np.clip(1.18 * exposed * (1 + 0.06 * exposed) / (1 + 0.56 * exposed), 0, 1)
    picture = toned ** np.float32(1 / 2.2)
    if camera.blur > 0.05:
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.3, camera.blur))
    noisy = 255 * picture + camera.noise * rng.standard_normal(picture.shape, np.float32)
    pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    if camera.jpeg < 100:
        _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg])
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return np.ascontiguousarray(pixels)
