"""Clean latents and the published gate."""

from __future__ import annotations

import pytest
from support.lazy import lazy, needs
from support.random_embeddings import normal

pytestmark = needs("torch")

torch = lazy("torch")
losses = lazy("idbench.losses")


def test_a_true_velocity_leads_from_any_time_to_the_clean_latent():
    clean, noise = normal(0, 2, 3, 4, 5)
    t = torch.tensor([0.0, 0.25, 1.0])
    share = t[:, None, None]
    assert torch.allclose(losses.clean_latent((1 - share) * clean + share * noise, noise - clean, t), clean)


def test_the_published_gate_looks_at_the_first_sample_only():
    found = [float(losses.published_gate(torch.tensor(t))) for t in ([0.6, 0.9], [0.7, 0.1])]
    assert found == pytest.approx([1 - 1e-5, 1e-5], rel=1e-6)
    assert float(losses.published_gate(torch.tensor([0.1]), landmarks_uncertain=True)) == pytest.approx(1e-5)
