"""The identity networks of WithAnyone: people become tokens, image tokens attend to them.

A branch turns every person into a few tokens and has one cross-attention for each transformer block. `arc` sees
ArcFace embeddings; `sig` sees SigLIP features as well, and is absent in the variant that edits with FLUX Kontext.
Submodules are called what the released checkpoints call them. Source: arXiv 2510.14975, section 4.1, and the
published code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["HEAD_SIZE", "Branch", "CrossAttention", "IdentityBranch", "Sizes"]

HEAD_SIZE = 64
"""Features per attention head, whatever FLUX itself uses."""


@dataclass(frozen=True)
class Sizes:
    """What the shapes of the networks follow from; a checkpoint's tensors tell all of it.

    blocks : transformer blocks, double and single together. hidden : features of an image token.
    heads : attention heads. arcface : features of an ArcFace embedding. tokens : tokens it becomes.
    siglip : features of a SigLIP patch; None without a sig branch.
    """

    blocks: int
    hidden: int
    heads: int
    arcface: int
    tokens: int
    siglip: int | None = None


def projection(features: int, middle: int, out: int) -> nn.Sequential:
    """Two linear layers with GELU and normalisation in between."""
    return nn.Sequential(nn.Linear(features, middle), nn.GELU(), nn.LayerNorm(middle), nn.Linear(middle, out))


class CrossAttention(nn.Module):  # type: ignore[misc]
    """Image tokens attend to identity tokens: no biases, no positions, scale 1 / sqrt(64)."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        inner = heads * HEAD_SIZE
        self.norm1 = nn.LayerNorm(hidden)
        self.norm2 = nn.LayerNorm(hidden)
        self.to_q = nn.Linear(hidden, inner, bias=False)
        self.to_kv = nn.Linear(hidden, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, hidden, bias=False)

    def keys_values(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Identity tokens (B, T, hidden) -> keys and values, each (B, heads, T, 64).

        They do not depend on the image, so one call serves all sampling steps.
        """
        keys, values = self.to_kv(self.norm1(tokens)).unflatten(-1, (2, -1, HEAD_SIZE)).permute(2, 0, 3, 1, 4)
        return keys, values

    def forward(
        self, image: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Image tokens (B, N, hidden) -> residual (B, N, hidden).

        mask : boolean (B or 1, 1, N, T), true where an image token may look; every row needs one true entry.
        """
        queries = self.to_q(self.norm2(image)).unflatten(-1, (-1, HEAD_SIZE)).transpose(1, 2)
        seen = scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        residual: torch.Tensor = self.to_out(seen.transpose(1, 2).flatten(2))
        return residual


class Branch(nn.Module):  # type: ignore[misc]
    """Token projections and the cross-attention of every block; `siglip` None leaves SigLIP out."""

    def __init__(self, sizes: Sizes, siglip: int | None) -> None:
        super().__init__()
        hidden = sizes.hidden
        self.hidden = hidden
        self.arcface_in = projection(sizes.arcface, 4 * hidden, sizes.tokens * hidden)
        self.siglip_in = None if siglip is None else projection(siglip, hidden, hidden)
        self.ipa = nn.ModuleList(CrossAttention(hidden, sizes.heads) for _ in range(sizes.blocks))

    def tokens(self, arcface: torch.Tensor, siglip: torch.Tensor | None) -> torch.Tensor:
        """Identity tokens (B, P, t, hidden): a person's SigLIP tokens, if this branch has any, then ArcFace's.

        arcface : raw embeddings (B, P, D). siglip : patch features (B, P, T, W), ignored by an arc branch.
        """
        arc: torch.Tensor = self.arcface_in(arcface).unflatten(-1, (-1, self.hidden))
        return arc if self.siglip_in is None else torch.cat([self.siglip_in(siglip), arc], dim=2)


class IdentityBranch(nn.Module):  # type: ignore[misc]
    """Everything WithAnyone adds to FLUX: branch `arc`, and `sig` except in the Kontext variant."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.arc = Branch(sizes, None)
        self.sig = None if sizes.siglip is None else Branch(sizes, sizes.siglip)
