"""Between a flow-matching step and the losses on faces."""

from __future__ import annotations

import torch

__all__ = ["clean_latent", "published_gate"]


def clean_latent(noisy: torch.Tensor, velocity: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The clean latent that a predicted velocity points at: x_t - t v.

    noisy, velocity : (B, ...). t : (B,), 0 = clean, 1 = noise, so that v = noise - clean. The paper's eq. 3
    counts time the other way round; the script and FLUX count as here.
    Raises `ValueError` unless velocity has the shape of noisy and t one value per sample.
    """
    if noisy.shape != velocity.shape or t.shape != noisy.shape[:1]:
        raise ValueError(
            f"expected noisy and velocity of one shape (B, ...) and t of shape (B,), found {tuple(noisy.shape)}, "
            f"{tuple(velocity.shape)} and {tuple(t.shape)}; give every sample its own time"
        )
    return noisy - t.reshape(-1, *[1] * (noisy.ndim - 1)) * velocity


def published_gate(t: torch.Tensor, landmarks_uncertain: bool = False) -> torch.Tensor:
    """What the script multiplies both identity losses of a batch with: 1e-5 in noise, else 1 - 1e-5.

    t : (B,), 0 = clean, 1 = noise. Noise means t > 0.6 in the *first* sample, whatever the others; or any
    image without exactly two faces found (`landmarks_uncertain`, never so with the target's landmarks).
    The paper uses no gate: with the target's landmarks, the ID loss is meant for all noise levels (Sec. 5.1).
    Raises `ValueError` for an empty t.
    """
    if t.numel() == 0:
        raise ValueError("expected the times of one sample or more, found none; skip empty batches")
    return torch.where((t[0] > 0.6) | landmarks_uncertain, 1e-5, 1 - 1e-5)
