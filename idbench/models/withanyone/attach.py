"""Attaching the identity branch to diffusers' FLUX transformer.

    attachment = attach(pipe.transformer, load_branch(file, torch.bfloat16))
    with attachment.people([People(arcface, siglip, boxes)], width=512, height=512, siglip_weight=0.5, id_weight=0.5):
        pipe(prompt, width=512, height=512)

Behind every block, image tokens get `id_weight * arc(image) + siglip_weight * sig(image)`, both from the same image
tokens. Only tokens that see a person are computed; the others are not touched, so their residual is exactly zero.
What does not change over sampling steps (masks, keys and values) is computed once per batch.

Attach before moving, offloading or compiling the transformer: the branch is a submodule of it and goes along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from idbench.errors import WeightsError
from idbench.models.withanyone.identity import IdentityBranch
from idbench.models.withanyone.masks import visibility
from idbench.models.withanyone.residual import BlockHook, Term, Viewers, viewers_of
from idbench.schema import Box

__all__ = ["Attachment", "People", "attach"]

NAME = "identity_branch"
"""What the branch is called as a submodule of the transformer."""


@dataclass(frozen=True)
class People:
    """The people of one image of a batch.

    arcface : raw embeddings (P, D), not normalised; P may be 0. siglip : patch features (P, T, W), needed where
    the SigLIP weight is not zero. boxes : where each person shall be, in pixels of the generated image; None lets
    every image token attend to everybody. Raises `ValueError` if these do not name the same number of people.
    """

    arcface: torch.Tensor
    siglip: torch.Tensor | None = None
    boxes: Sequence[Box] | None = None

    def __post_init__(self) -> None:
        for what, found in (("SigLIP features", self.siglip), ("boxes", self.boxes)):
            if found is not None and len(found) != len(self.arcface):
                raise ValueError(f"expected {what} for each of {len(self.arcface)} references, found {len(found)}")


@dataclass(frozen=True)
class Batch:
    """People of a batch, padded to the most people an item has.

    seen : boolean (B, N, P), who is seen by which image token. arcface : (B, P, D). siglip : (B, P, T, W).
    """

    seen: torch.Tensor
    arcface: torch.Tensor
    siglip: torch.Tensor | None
    id_weight: float
    siglip_weight: float


class Attachment:
    """An identity branch in a transformer, made by `attach`."""

    def __init__(self, transformer: nn.Module, branch: IdentityBranch) -> None:
        blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
        self.branch = branch
        self._transformer = transformer
        self._batch: Batch | None = None
        self._prepared = False
        self._hooks = [BlockHook() for _ in blocks]
        # The first layer to run: by then, offloading has put the branch where the transformer computes.
        self._handles = [transformer.x_embedder.register_forward_hook(self._prepare)]
        self._handles += [block.register_forward_hook(hook) for block, hook in zip(blocks, self._hooks, strict=True)]
        transformer.add_module(NAME, branch)

    @contextmanager
    def people(
        self,
        people: Sequence[People],
        width: int,
        height: int,
        id_weight: float = 1.0,
        siglip_weight: float = 0.0,
    ) -> Iterator[None]:
        """Inside, the transformer puts these people into its images of width x height pixels.

        people : one item for each image of the batch. A weight of 0 leaves its branch out; published settings
        have weights that add up to 1. Keys and values stay on the transformer's device until the end: in FLUX.1
        0.35 MB a token in 16 bit, 2.8 MB a person for arc and 92 MB for sig.
        Raises `ValueError` for features that do not fit the branch or the weights, and from the transformer
        if batch or image size are others.
        """
        self._clear()
        self._batch = self._padded(people, width, height, id_weight, siglip_weight)
        try:
            yield
        finally:
            self._clear()

    def detach(self) -> None:
        """The transformer is what it was before `attach`."""
        self._clear()
        for handle in self._handles:
            handle.remove()
        delattr(self._transformer, NAME)

    def _clear(self) -> None:
        self._batch, self._prepared = None, False
        for hook in self._hooks:
            hook.clear()

    def _padded(
        self, people: Sequence[People], width: int, height: int, id_weight: float, siglip_weight: float
    ) -> Batch:
        sizes = self.branch.sizes
        if siglip_weight and sizes.siglip is None:
            raise ValueError(f"this identity branch knows no SigLIP: expected siglip_weight 0, found {siglip_weight}")
        for item in people:
            if item.arcface.shape[1:] != (sizes.arcface,):
                raise ValueError(f"expected embeddings (P, {sizes.arcface}), found {tuple(item.arcface.shape)}")
        return Batch(
            visibility([len(item.arcface) for item in people], [item.boxes for item in people], width, height),
            pad_sequence([item.arcface for item in people], batch_first=True),
            self._padded_siglip(people) if siglip_weight else None,
            id_weight,
            siglip_weight,
        )

    def _padded_siglip(self, people: Sequence[People]) -> torch.Tensor | None:
        """(B, P, T, W), or None for nobody at all."""
        width = self.branch.sizes.siglip
        features: list[torch.Tensor] = []
        for item in people:
            found = item.siglip
            if len(item.arcface):
                if found is None or found.shape[2:] != (width,) or found.shape[1] != (*features, found)[0].shape[1]:
                    shape = None if found is None else tuple(found.shape)
                    raise ValueError(f"expected SigLIP features (P, T, {width}) with one T, found {shape}")
                features.append(found)
        if not features:
            return None
        return pad_sequence(
            [item.siglip if len(item.arcface) else features[0][:0] for item in people], batch_first=True
        )

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _prepare(self, embedder: nn.Module, inputs: Any, image: torch.Tensor) -> None:
        """Once per batch: whatever does not change over sampling steps. `image` is (B, N, hidden)."""
        batch = self._batch
        if batch is None:
            return
        if len(batch.seen) != len(image) or batch.seen.shape[1] > image.shape[1]:
            raise ValueError(
                f"expected a batch of {len(batch.seen)} with {batch.seen.shape[1]} image tokens, as people, width "
                f"and height have it; found {len(image)} with {image.shape[1]}"
            )
        if not self._prepared and batch.seen.any():
            viewers, seen = viewers_of(batch.seen, image)
            self._add(viewers, seen, batch, image)
        self._prepared = True

    def _add(self, viewers: Viewers, seen: torch.Tensor, batch: Batch, image: torch.Tensor) -> None:
        """Hands every block's hook its terms, in device and type of `image`."""
        arcface = batch.arcface.to(image)
        siglip = None if batch.siglip is None else batch.siglip.to(image)
        for branch, weight in ((self.branch.arc, batch.id_weight), (self.branch.sig, batch.siglip_weight)):
            if branch is None or weight == 0:
                continue
            tokens = branch.tokens(arcface, siglip)
            per_person = tokens.shape[2]
            mask = None if seen.all() else seen.repeat_interleave(per_person, dim=-1)[:, None].to(image.device)
            for hook, attention in zip(self._hooks, branch.ipa, strict=True):
                keys, values = attention.keys_values(tokens.flatten(1, 2))
                hook.viewers = viewers
                hook.terms.append(Term(attention, keys, values, mask, weight))


def attach(transformer: nn.Module, branch: IdentityBranch) -> Attachment:
    """Makes the branch the submodule `identity_branch` of a `FluxTransformer2DModel`, and hooks it in.

    Without people the transformer gives what it gave before. Condition tokens, which FLUX Kontext has behind those
    of the generated image, see nobody. Raises `WeightsError` if the branch has another number of blocks or features,
    `ValueError` if one is attached already.
    """
    blocks = len(transformer.transformer_blocks) + len(transformer.single_transformer_blocks)
    for what, expected, found in (
        ("blocks", blocks, branch.sizes.blocks),
        ("features per image token", transformer.inner_dim, branch.sizes.hidden),
    ):
        if expected != found:
            raise WeightsError(
                f"identity weights do not fit the transformer: expected {expected} {what}, found {found}"
            )
    if hasattr(transformer, NAME):
        raise ValueError("expected a transformer without identity branch, found one; detach that first")
    return Attachment(transformer, branch)
