"""How much a generated face moves away from the reference: head pose, pixels, seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from idbench.metrics.identity import unit

__all__ = [
    "FACE_MODEL",
    "head_pose",
    "mean_pairwise_angle",
    "mean_pairwise_rotation",
    "rotation_between",
    "ssim",
    "yaw_pitch_roll",
]

FACE_MODEL = np.array([[-31.5, 0.0, 0.0], [31.5, 0.0, 0.0], [0.0, 36.0, 28.0], [-26.0, 72.8, 5.0], [26.0, 72.8, 5.0]])
"""Five landmarks of an average face in mm: x to image right, y down, z towards the viewer.
In-plane proportions are those of the ArcFace template, so a face on the template has pose 0; the nose
tip stands 28 mm and the mouth corners 5 mm before the eyes."""


def head_pose(landmarks: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Rotation (3, 3) of a head from five landmarks (5, 2) in pixels, by scaled orthography.

    Least-squares affine camera, then the nearest scaled rotation (DeMenthon and Davis 1995, without
    the perspective iteration). Five points and an average face: good for differences between poses of
    about 30 degrees, not for single degrees. nan if the landmarks are not finite or coincide.

    A face that looks at the camera, then one whose nose tip stands 20 mm to the image right:

    >>> frontal = FACE_MODEL[:, :2]
    >>> np.allclose(head_pose(frontal), np.eye(3))
    True
    >>> turned = frontal + [[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]]
    >>> yaw, pitch, roll = yaw_pitch_roll(head_pose(turned))
    >>> yaw > 20
    True
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2):
        raise ValueError(f"expected landmarks of shape (5, 2), found {points.shape}")
    centred = points - points.mean(axis=0)
    if not np.isfinite(centred).all() or not centred.any():
        return np.full((3, 3), np.nan)
    model = FACE_MODEL - FACE_MODEL.mean(axis=0)
    camera = np.linalg.lstsq(model, centred, rcond=None)[0].T
    u, _, vt = np.linalg.svd(camera, full_matrices=False)
    first, second = u @ vt
    return np.stack([first, second, np.cross(first, second)])


def yaw_pitch_roll(rotation: npt.ArrayLike) -> tuple[float, float, float]:
    """Degrees of a rotation (3, 3): yaw to image right, pitch upwards, roll clockwise in the image.

    >>> quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    >>> yaw, pitch, roll = yaw_pitch_roll(quarter)
    >>> abs(yaw), abs(pitch), roll
    (0.0, 0.0, 90.0)
    """
    r = np.asarray(rotation, np.float64)
    yaw = np.arcsin(np.clip(-r[2, 0], -1, 1))
    return tuple(float(np.degrees(a)) for a in (yaw, np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])))  # type: ignore[return-value]


def rotation_between(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Angle in degrees, [0, 180], of the rotation that takes one pose (3, 3) to another.

    >>> round(rotation_between(np.eye(3), [[0, -1, 0], [1, 0, 0], [0, 0, 1]]), 6)
    90.0
    """
    difference = np.asarray(a, np.float64).T @ np.asarray(b, np.float64)
    return float(np.degrees(np.arccos(np.clip((np.trace(difference) - 1) / 2, -1, 1))))


def ssim(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Structural similarity of two uint8 luma images of one shape, in [-1, 1].

    7 x 7 uniform window, sample covariances, K1 = 0.01, K2 = 0.03, mean over full windows.
    Source: Wang et al. 2004, eq. 13.

    >>> crop = np.random.default_rng(0).integers(0, 256, (112, 112), dtype=np.uint8)
    >>> same, flatter, negative = ssim(crop, crop), ssim(crop, crop // 2 + 60), ssim(crop, 255 - crop)
    >>> round(same, 3), round(flatter, 1), negative < -0.8
    (1.0, 0.8, True)
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.shape != y.shape or min(x.shape) < 7:
        raise ValueError(f"expected two images of one shape, 7 pixels or more, found {x.shape} and {y.shape}")
    window = 7
    sample = window**2 / (window**2 - 1)
    mean_x, mean_y, xx, yy, xy = (uniform_filter(image, window) for image in (x, y, x * x, y * y, x * y))
    var_x, var_y = sample * (xx - mean_x**2), sample * (yy - mean_y**2)
    covariance = sample * (xy - mean_x * mean_y)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    edge = window // 2
    return float(values[edge:-edge, edge:-edge].mean())


def mean_pairwise_angle(embeddings: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """For each row of (n, d) the mean angle in radians to the other rows; nan for n < 2.

    The mean of the result is the mean pairwise angular distance.

    >>> mean_pairwise_angle([[1, 0], [1, 0], [0, 1]]).round(4).tolist()  # the third seed drew somebody else
    [0.7854, 0.7854, 1.5708]
    """
    vectors = unit(embeddings)
    n = len(vectors)
    if n < 2:
        return np.full(n, np.nan)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    together = np.linalg.norm(vectors[:, None] + vectors[None], axis=-1)
    angles = 2 * np.arctan2(apart, together)
    np.fill_diagonal(angles, 0.0)
    result: npt.NDArray[np.float64] = angles.sum(axis=1) / (n - 1)
    return result


def mean_pairwise_rotation(poses: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """For each pose of (n, 3, 3) the mean rotation in degrees to the other poses; nan for n < 2.

    >>> quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    >>> mean_pairwise_rotation([np.eye(3), np.eye(3), quarter]).round(6).tolist()
    [45.0, 45.0, 90.0]
    """
    rotations = np.asarray(poses, np.float64)
    n = len(rotations)
    if n < 2:
        return np.full(n, np.nan)
    between = np.array([[rotation_between(a, b) for b in rotations] for a in rotations])
    np.fill_diagonal(between, 0.0)
    result: npt.NDArray[np.float64] = between.sum(axis=1) / (n - 1)
    return result
