"""WithAnyone's branch with random weights on a tiny FLUX, and people to show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.lazy import lazy
from support.tiny_withanyone import random_identity

safetensors = lazy("safetensors.torch")
torch = lazy("torch")
attach = lazy("idbench.models.withanyone.attach")
checkpoint = lazy("idbench.models.withanyone.checkpoint")
masks = lazy("idbench.models.withanyone.masks")


def far(found: Any, expected: Any) -> float:
    """Largest difference, infinite where there is a NaN."""
    assert found.shape == expected.shape
    return float((found - expected).abs().nan_to_num(math.inf).max())


WIDTH, HEIGHT = 80, 64


TOKENS = (WIDTH // 16) * (HEIGHT // 16)


ARCFACE, SIGLIP, PATCHES = 24, 12, 5


LEFT, RIGHT, MIDDLE = (0, 0, 30, 64), (50, 10, 80, 40), (20.5, 20.5, 60, 50)


def branch_for(flux: Any, folder: Path, **options: Any) -> Any:
    state = random_identity(flux.config, **({"arcface": ARCFACE, "siglip": SIGLIP, "tokens": 3} | options))
    safetensors.save_file(state, folder / "identity.safetensors")
    return checkpoint.load_branch(folder / "identity.safetensors", torch.float32)


def somebody(count: int, boxes: Any = None, seed: int = 0) -> attach.People:
    random = torch.Generator().manual_seed(seed)
    return attach.People(
        torch.randn(count, ARCFACE, generator=random), torch.randn(count, PATCHES, SIGLIP, generator=random), boxes
    )


def run(flux: Any, batch: Sequence[int] = (0,), extra: int = 0) -> Any:
    """One forward pass; item `i` of any batch gets the same inputs, `extra` tokens lie behind the image."""
    tokens = torch.stack([torch.randn(TOKENS + extra, 64, generator=torch.Generator().manual_seed(i)) for i in batch])
    text = torch.stack([torch.randn(6, 24, generator=torch.Generator().manual_seed(100 + i)) for i in batch])
    pooled = torch.stack([torch.randn(20, generator=torch.Generator().manual_seed(200 + i)) for i in batch])
    kind = flux.dtype
    ids = torch.stack([torch.zeros(TOKENS + extra), *torch.arange(TOKENS + extra).div(5).frexp()], 1)
    return flux(
        hidden_states=tokens.to(kind), encoder_hidden_states=text.to(kind), pooled_projections=pooled.to(kind),
        timestep=torch.full((len(batch),), 0.6, dtype=kind), guidance=torch.full((len(batch),), 4.0),
        img_ids=ids, txt_ids=torch.zeros(6, 3), return_dict=False,
    )[0]  # fmt: skip


def run_with(
    attachment: attach.Attachment,
    flux: Any,
    people: Sequence[attach.People],
    batch: Sequence[int] = (0,),
    **weights: Any,
) -> Any:
    with attachment.people(people, WIDTH, HEIGHT, **({"id_weight": 0.7, "siglip_weight": 0.4} | weights)):
        return run(flux, batch)


def visibility_of(people: attach.People) -> Any:
    return masks.visibility([len(people.arcface)], [people.boxes], WIDTH, HEIGHT)
