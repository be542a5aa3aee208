"""Cutting faces out of images by given landmarks, differentiable with respect to the image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from idbench.faces.align import Alignment, similarity_transform

__all__ = ["align_faces"]

Matrix = npt.NDArray[np.float64]


def align_faces(
    images: torch.Tensor, landmarks: torch.Tensor, size: int = 112, *, published: bool = False
) -> torch.Tensor:
    """Square crops with the five landmarks of each face on the ArcFace template.

    images : (B, C, H, W), floating point; crops keep their scale and dtype. Give 0 to 255: outside the image
    is 0, which should be black. landmarks : (B, F, 5, 2), x and y in pixels of these images; those of the
    *target* photo make the ID loss GT-aligned. size : a multiple of 112 or 128. Returns (B, F, C, size, size);
    bicubic, so values overshoot the range of the image a little. Gradients reach images, not landmarks.
    Raises `ValueError` for other shapes or types, and for landmarks that coincide or are not finite;
    `ConfigError` for another size.

    Source: the paper, eq. 5-6; sampling as `torch.nn.functional.grid_sample` without aligned corners.
    Recognizers learned from a similarity transform, pixel centres at whole numbers (InsightFace), and so do
    `idbench.faces` and this function. The script fits an affine map instead, which shears and stretches
    every face towards the template, and takes pixel centres at halves, which moves the crop by half a pixel or
    so; `published=True` does the same. The script also rounds landmarks and grid to bfloat16, steps of 2 pixels
    beyond 256; here coordinates are float32 at least. At 112 pixels, maps meet the script's in float32 to 2e-6
    and crops of images up to 255 to 0.02.
    """
    _check(images, landmarks)
    batch, faces = landmarks.shape[:2]
    height, width = images.shape[-2:]
    theta = torch.from_numpy(transforms(landmarks, width, height, size, published))
    grid = F.affine_grid(theta, [batch * faces, 1, size, size], align_corners=False)
    pixels = images.to(torch.promote_types(images.dtype, torch.float32))
    # Faces of an image lie below each other in one grid: no copy of the image per face.
    grid = grid.reshape(batch, faces * size, size, 2).to(pixels)
    crops = F.grid_sample(pixels, grid, mode="bicubic", align_corners=False)
    return crops.unflatten(2, (faces, size)).transpose(1, 2).to(images.dtype)


def transforms(landmarks: torch.Tensor, width: int, height: int, size: int, published: bool) -> Matrix:
    """For each face the map from crop to image, both in [-1, 1] from edge to edge: (B * F, 2, 3)."""
    template = Alignment("arcface", size).template()
    fit = _affine if published else _similarity
    points = landmarks.detach().to("cpu", torch.float64).flatten(0, 1).numpy()
    return np.array([fit(face, template, np.array([width, height]), size) for face in points]).reshape(-1, 2, 3)


def _similarity(landmarks: Matrix, template: Matrix, extent: Matrix, size: int) -> Matrix:
    to_crop = np.vstack([similarity_transform(landmarks, template), [0.0, 0.0, 1.0]])
    to_image = _from_pixels(extent) @ np.linalg.inv(to_crop) @ np.linalg.inv(_from_pixels(np.array([size, size])))
    return to_image[:2]


def _from_pixels(extent: Matrix) -> Matrix:
    """From pixels, centres at whole numbers, to [-1, 1] from edge to edge."""
    return np.array([[2 / extent[0], 0.0, 1 / extent[0] - 1], [0.0, 2 / extent[1], 1 / extent[1] - 1], [0.0, 0.0, 1.0]])


def _affine(landmarks: Matrix, template: Matrix, extent: Matrix, size: int) -> Matrix:
    """Total least squares: the unit vector h that minimises |[P q] h|, points centred and scaled."""
    (p, p_mean, p_scale), (q, q_mean, q_scale) = _normalised(template / size), _normalised(landmarks / extent)
    system = np.column_stack([np.kron(np.eye(2), p), q.T.ravel()])
    direction = np.linalg.svd(system)[2][-1]
    linear = (-direction[:4] / direction[4]).reshape(2, 2) * (q_scale / p_scale)
    return np.column_stack([linear, q_mean - linear @ p_mean])


def _normalised(shares: Matrix) -> tuple[Matrix, Matrix, float]:
    points = 2 * shares - 1
    mean = points.mean(axis=0)
    scale = float(np.sqrt(((points - mean) ** 2).mean()))
    return (points - mean) / scale, mean, scale


def _check(images: torch.Tensor, landmarks: torch.Tensor) -> None:
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(
            f"expected floating-point images (B, C, H, W), found {images.dtype} {tuple(images.shape)}; "
            "convert them and add the dimension of the batch"
        )
    if landmarks.shape != (len(images), *landmarks.shape[1:2], 5, 2) or landmarks.numel() == 0:
        raise ValueError(
            f"expected landmarks ({len(images)}, 1 or more, 5, 2), found {tuple(landmarks.shape)}; "
            "give five points for every face and as many faces for every image"
        )
    spread = (landmarks - landmarks.mean(dim=2, keepdim=True)).abs().amax(dim=(2, 3))
    if wrong := (~(spread > 0)).nonzero().tolist():
        raise ValueError(
            f"expected finite, distinct landmarks, found others at (image, face) {tuple(wrong[0])}; "
            "give a missing face those of another and mask it in the loss"
        )
