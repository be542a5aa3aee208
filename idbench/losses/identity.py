"""Losses on face embeddings: pull a generated face to its person, push it from other people.

Embeddings are (B, F, D): image, face, dimension; face i of every argument is one person. Their length does
not matter. A zero vector has cosine 0 with everything. Missing faces are padded and masked out: whatever
stands there, NaN included, changes neither value nor gradient.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

__all__ = ["best_order", "id_contrastive_loss", "id_loss"]


def id_loss(
    generated: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None = None, *, published: bool = False
) -> torch.Tensor:
    """Mean of 1 - cos(generated, target) over the faces: a scalar in [0, 2], 0 = same direction.

    generated, target : (B, F, D). mask : bool (B, F), True where the face exists on both sides; all by
    default. Without any valid face the loss is 0, and so are the gradients.
    Raises `ValueError` for other shapes or types.

    Source: the paper, eq. 4 and 6. It is GT-aligned if both embeddings come from crops by the landmarks of the
    target photo (`align_faces`). In the script, one image whose faces do not match in number makes the whole
    batch 0; here it costs its missing faces only. `published=True` is 0 as soon as one face is masked.
    """
    valid = _check(generated, target, mask)
    cosines = (_unit(generated, valid) * _unit(target, valid, like=generated)).sum(dim=-1)
    return _mean(1 - cosines, valid & valid.all() if published else valid)


def id_contrastive_loss(
    generated: torch.Tensor,
    target: torch.Tensor,
    negatives: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    *,
    identities: torch.Tensor | None = None,
    temperature: float = 0.1,
) -> torch.Tensor:
    """InfoNCE: find each generated face's person among the batch and a pool of negatives; a scalar >= 0.

    Mean over the faces of -log(e(target) / (e(target) + sum of e(negative))), e(x) = exp(cos(generated, x) /
    temperature). Negatives of a face are the targets of all other faces of the batch, and its own pool.

    generated, target : (B, F, D). negatives : (B, F, M, D), people other than that of the face, the extended
    negatives. mask : bool (B, F), True where the face exists; a masked face is nobody's negative. identities :
    (B, F), equal numbers for one person; targets of the same person are then no negatives. temperature : > 0.
    Without any valid face the loss is 0, and so are the gradients. Raises `ValueError` for other shapes, types
    or temperatures.

    Source: the paper, eq. 7, after van den Oord et al. 2018 (arXiv 1807.03748), eq. 4. Eq. 7 as printed leaves
    the target out of the denominator and is unbounded below; script and this function have it in. The paper's
    positive is a *reference* photo; the script passes the embedding of the target photo: pass what you mean.
    The paper names no temperature; the script's is 0.1. The paper's negatives are other people; the script
    draws its pool (4033 a face, with repeats) from others, but takes every other face of the batch, even of
    the same person, as here without identities.
    """
    valid = _check(generated, target, mask)
    _check_rest(generated, negatives, identities, temperature)
    anchors = _unit(generated, valid).flatten(0, 1)
    # Autocast would bring the products down to half precision, and 1 / temperature makes that worse.
    with torch.autocast(generated.device.type, enabled=False):
        logits = anchors @ _unit(target, valid, like=generated).flatten(0, 1).T
        logits = logits.masked_fill(~_comparable(valid, identities), -torch.inf)
        if negatives is not None:
            pool = _unit(negatives, valid[..., None], like=generated).flatten(0, 1)
            logits = torch.cat([logits, torch.einsum("nd,nmd->nm", anchors, pool)], dim=1)
        own = torch.arange(len(anchors), device=logits.device)
        losses = F.cross_entropy(logits / temperature, own, reduction="none")
    return _mean(losses, valid.flatten())


def best_order(generated: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Targets (B, F, D) reordered within each image for the largest sum of cosines with the generated faces.

    For generated faces found by a detector in whatever order; with the target's landmarks, or boxes, the order
    is known, and matching by similarity would reward swapped people. Masked faces stay where they are.
    Arguments and errors as in `id_loss`. The script does this for two faces when no boxes are given.
    """
    valid = _check(generated, target, mask)
    cosines = _unit(generated, valid).detach() @ _unit(target, valid, like=generated).detach().mT
    order = torch.arange(target.shape[1], device=target.device).repeat(len(target), 1)
    for i, scores in enumerate(cosines.nan_to_num()):
        (places,) = valid[i].nonzero(as_tuple=True)
        columns = linear_sum_assignment(scores[places][:, places].cpu(), maximize=True)[1]
        order[i, places] = places[torch.as_tensor(columns, device=places.device)]
    return target.take_along_dim(order[..., None], dim=1)


def _unit(vectors: torch.Tensor, valid: torch.Tensor, like: torch.Tensor | None = None) -> torch.Tensor:
    """Vectors at length 1, in the precision of `like`, float32 at least; zeros where not valid."""
    precision = (vectors if like is None else like).dtype
    vectors = vectors.masked_fill(~valid[..., None], 0).to(torch.promote_types(precision, torch.float32))
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / torch.where(length > 0, length, 1)


def _comparable(valid: torch.Tensor, identities: torch.Tensor | None) -> torch.Tensor:
    """Which targets stand in whose denominator, (B * F, B * F): one's own and valid ones of other people."""
    own = torch.eye(valid.numel(), dtype=torch.bool, device=valid.device)
    others = valid.flatten().expand_as(own)
    if identities is not None:
        people = identities.to(valid.device).flatten()
        others = others & (people[:, None] != people)
    return own | others


def _mean(losses: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    return losses.masked_fill(~valid, 0).sum() / valid.sum().clamp(min=1)


def _check(generated: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    if generated.ndim != 3 or generated.shape != target.shape:
        raise ValueError(
            "expected generated and target of one shape (images, faces, dimensions), found "
            f"{tuple(generated.shape)} and {tuple(target.shape)}; pad missing faces and mask them"
        )
    if not generated.is_floating_point() or not target.is_floating_point():
        raise ValueError(
            f"expected floating-point embeddings, found {generated.dtype} and {target.dtype}; convert them"
        )
    if mask is None:
        return torch.ones(generated.shape[:2], dtype=torch.bool, device=generated.device)
    if mask.dtype != torch.bool or mask.shape != generated.shape[:2]:
        raise ValueError(
            f"expected a bool mask {tuple(generated.shape[:2])}, found {mask.dtype} {tuple(mask.shape)}; "
            "give True for every face that exists"
        )
    return mask.to(generated.device)


def _check_rest(
    generated: torch.Tensor, negatives: torch.Tensor | None, identities: torch.Tensor | None, temperature: float
) -> None:
    images, faces, dimensions = generated.shape
    if negatives is not None and (*negatives.shape[:2], *negatives.shape[3:]) != (images, faces, dimensions):
        raise ValueError(
            f"expected negatives ({images}, {faces}, any, {dimensions}), found {tuple(negatives.shape)}; "
            "give every face its own pool (expand one that all share)"
        )
    if identities is not None and identities.shape != (images, faces):
        raise ValueError(
            f"expected identities ({images}, {faces}), found {tuple(identities.shape)}; number every face's person"
        )
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, found {temperature}; the published one is 0.1")
