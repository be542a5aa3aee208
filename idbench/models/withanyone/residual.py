"""What the identity branch adds to image tokens behind a block, once people have become keys and values.

Only image tokens that see a person are computed. The others are not touched: their residual is exactly zero, and
small boxes cost little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from idbench.models.withanyone.identity import CrossAttention

__all__ = ["BlockHook", "Term", "Viewers", "viewers_of"]


@dataclass(frozen=True)
class Term:
    """What one branch adds behind one block, for one batch."""

    attention: CrossAttention
    keys: torch.Tensor
    values: torch.Tensor
    mask: torch.Tensor | None
    weight: float


@dataclass(frozen=True)
class Viewers:
    """The image tokens (B, K) that are computed: those that see somebody, padded with some that do not.

    where : their indices, (B, 1) for the item and (B, K) for the token; None for all tokens there are.
    counts : (B, K, 1), 1 for a token that sees somebody and 0 for padding; None if there is no padding.
    """

    where: tuple[torch.Tensor, torch.Tensor] | None
    counts: torch.Tensor | None

    def add(self, image: torch.Tensor, terms: Sequence[Term]) -> torch.Tensor:
        """Image tokens (B, N, hidden) with the sum of weighted terms added to those that see somebody."""
        before = image if self.where is None else image[self.where]
        after = before
        for term in terms:
            residual = term.attention(before, term.keys, term.values, term.mask)
            if self.counts is None:
                after = torch.add(after, residual, alpha=term.weight)
            else:
                after = torch.addcmul(after, residual, self.counts, value=term.weight)
        return after if self.where is None else image.index_put(self.where, after)


def viewers_of(seen: torch.Tensor, image: torch.Tensor) -> tuple[Viewers, torch.Tensor]:
    """Viewers for image tokens like `image`, and whom each may attend to, boolean (B, K, P).

    Padding attends to everybody, as attention to nobody is not defined; its residual is multiplied by 0.
    """
    sees = seen.any(-1)
    longest = int(sees.sum(-1).max())
    where = None
    if longest < image.shape[1]:
        # Padding is other tokens of the same item, so no two residuals are written to the same place.
        token = sees.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
        item = torch.arange(len(seen))[:, None]
        seen, sees = seen[item, token], sees[item, token]
        where = (item.to(image.device), token.to(image.device))
    counts = None if sees.all() else sees[..., None].to(image)
    return Viewers(where, counts), seen | ~sees[..., None]


class BlockHook:
    """Forward hook of one block; the same code for all blocks, so that they compile to the same graph."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """The block gives what it gave before."""
        self.terms: list[Term] = []
        self.viewers = Viewers(None, None)

    def __call__(self, block: nn.Module, inputs: Any, output: tuple[torch.Tensor, torch.Tensor]) -> Any:
        """(text, image) with people in the image, or None for no change."""
        if not self.terms:
            return None
        text, image = output
        return text, self.viewers.add(image, self.terms)
