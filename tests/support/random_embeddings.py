"""Random embeddings, and both losses of them with their gradients."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from support.lazy import lazy

torch = lazy("torch")
losses = lazy("idbench.losses")


seeds = st.integers(0, 2**31 - 1)


counts = st.integers(1, 3)


few = settings(deadline=None, max_examples=40)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def both(generated, target, negatives=None, mask=None):
    return torch.stack(
        [losses.id_loss(generated, target, mask), losses.id_contrastive_loss(generated, target, negatives, mask)]
    )


def gradient(loss, generated, *others):
    generated = generated.clone().requires_grad_()
    return torch.autograd.grad(loss(generated, *others), generated)[0]
