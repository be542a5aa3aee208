"""Training losses, alignment and gate against values that the published code gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.lazy import lazy, needs
from support.random_embeddings import gradient

pytestmark = needs("torch")

torch = lazy("torch")
F = lazy("torch.nn.functional")
losses = lazy("idbench.losses")
alignment = lazy("idbench.losses.alignment")


@pytest.fixture(scope="module")
def values(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "loss_golden.json").read_text())


@pytest.fixture(scope="module")
def tensors(golden: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(golden / "loss_golden.safetensors")


def inputs(tensors, case, dtype=None):
    pool = tensors[f"{case['name']}.ext_neg"] if case["M"] else None
    given = tensors[f"{case['name']}.gen"], tensors[f"{case['name']}.gt"], pool
    return [tensor if tensor is None else tensor.to(dtype or torch.float32) for tensor in given]


@pytest.mark.golden
def test_values_of_the_published_losses(values, tensors):
    assert values["cases"]
    for case in values["cases"]:
        generated, target, pool = inputs(tensors, case)
        matched = losses.best_order(generated, target)
        tau = case["temperature"]
        for key, found in {
            "id_loss_gt_aligned_float32": losses.id_loss(generated, target),
            "id_loss_gt_aligned_without_boxes_float32": losses.id_loss(generated, matched),
            "id_loss_prediction_aligned_best_order_float32": losses.id_loss(generated, matched),
            "info_nce_float32": losses.id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_float32_other_file": losses.id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_no_pool_float32": losses.id_contrastive_loss(generated, target, temperature=tau),
        }.items():
            assert float(found) == pytest.approx(case[key], abs=1e-5), (case["name"], key)
        found = losses.id_contrastive_loss(*inputs(tensors, case, torch.float64), temperature=tau)
        assert float(found) == pytest.approx(case["info_nce_float64_formula"], abs=1e-10), case["name"]


@pytest.mark.golden
def test_gradients_of_the_published_losses(values, tensors):
    for case in values["cases"]:
        generated, target, pool = inputs(tensors, case)
        for key, found in {
            "grad_id_gt_aligned_wrt_gen": gradient(losses.id_loss, generated, target),
            "grad_info_nce_wrt_gen": gradient(
                lambda g, t, n, tau=case["temperature"]: losses.id_contrastive_loss(g, t, n, temperature=tau),
                generated, target, pool,
            ),
        }.items():  # fmt: skip
            expected = tensors[f"{case['name']}.{key}"]
            assert (found - expected).abs().max() < 1e-5 * max(1.0, expected.abs().max()), (case["name"], key)
            # Where nearly all faces are told apart, float32 leaves fewer digits of 1 - p.
            assert (found - expected).norm() < 1e-4 * expected.norm() + 1e-7, (case["name"], key)


@pytest.mark.golden
def test_bfloat16_embeddings_give_what_bfloat16_arithmetic_gives(values, tensors):
    """The script rounds cosines to 8 bits, which 1 / temperature magnifies; here they are float32."""
    step = 2.0**-8
    for case in values["cases"]:
        generated, target, pool = inputs(tensors, case, torch.bfloat16)
        tau, matched = case["temperature"], losses.best_order(generated, target)
        for key, found in {
            "id_loss_gt_aligned_bfloat16": losses.id_loss(generated, target),
            "id_loss_gt_aligned_without_boxes_bfloat16": losses.id_loss(generated, matched),
        }.items():
            assert float(found) == pytest.approx(case[key], abs=2 * step), (case["name"], key)
        for key, found in {
            "info_nce_bfloat16": losses.id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_no_pool_bfloat16": losses.id_contrastive_loss(generated, target, temperature=tau),
        }.items():
            near = step + 4 * step / tau * min(1.0, case[key])
            assert float(found) == pytest.approx(case[key], abs=near), (case["name"], key)


def faces_of_other_images(generated, target):
    """(B, F, M, D): every face of the other images, generated and target."""
    faces = torch.cat([generated, target], dim=1)
    pools = [torch.cat([faces[:i], faces[i + 1 :]]).flatten(0, 1) for i in range(len(faces))]
    return torch.stack(pools)[:, None].expand(-1, generated.shape[1], -1, -1)


@pytest.mark.golden
def test_the_contrastive_loss_that_the_script_has_but_does_not_use(values, tensors):
    for case in values["cases"]:
        generated, target, _ = inputs(tensors, case)
        for order in ("fixed", "best"):
            key = f"unused_contrastive_tau0.07_{order}_order_float32"
            if key in case:
                found = losses.id_contrastive_loss(
                    generated,
                    target if order == "fixed" else losses.best_order(generated, target),
                    faces_of_other_images(generated, target),
                    identities=torch.zeros(generated.shape[:2]),
                    temperature=0.07,
                )
                assert float(found) == pytest.approx(case[key], abs=1e-5), (case["name"], key)


@pytest.mark.golden
def test_one_face_and_faces_that_do_not_match_in_number(values, tensors):
    single, gt, two = tensors["single.gen"], tensors["single.gt"], tensors["mismatch.gt"]
    extra = values["extra"]
    assert float(losses.id_loss(single[None], gt[None])) == pytest.approx(extra["single_face_id_loss"], abs=1e-5)
    padded = F.pad(single, (0, 0, 0, len(two) - len(single)))[None]
    mask = torch.arange(len(two))[None] < len(single)
    ours = losses.id_loss(padded, two[None], mask)
    assert float(ours) == pytest.approx(float(losses.id_loss(single[None], two[None, : len(single)])), abs=1e-6)
    assert float(losses.id_loss(padded, two[None], mask, published=True)) == extra["mismatch_gt_aligned"]
    good = torch.stack([two, padded[0]])
    masks = torch.stack([torch.ones_like(mask[0]), mask[0]])
    whole = losses.id_loss(good, two.expand_as(good), masks, published=True)
    assert (
        float(whole)
        == extra["good_then_mismatch_gt_aligned"]
        != float(losses.id_loss(good, two.expand_as(good), masks))
    )


@pytest.mark.golden
def test_published_alignment(tensors):
    names = sorted(key.split(".")[0] for key in tensors if key.endswith(".landmarks"))
    assert names
    for name in names:
        image, landmarks = tensors[f"{name}.image"], tensors[f"{name}.landmarks"]
        expected = tensors[f"{name}.aligned"]
        height, width, size = *image.shape[:2], expected.shape[0]
        theta = torch.from_numpy(alignment.transforms(landmarks[None, None], width, height, size, published=True)[0])
        assert torch.allclose(theta, tensors[f"{name}.theta"][:2].double(), rtol=0, atol=2e-6), name
        crops = losses.align_faces(image.permute(2, 0, 1)[None], landmarks[None, None], size, published=True)
        # Positions agree to float32, and a noise image changes by its whole range within a pixel.
        near = 2e-6 * max(height, width) * float(image.max() - image.min())
        assert (crops[0, 0].permute(1, 2, 0) - expected).abs().max() < near, name


@pytest.mark.golden
def test_latents_and_the_gated_total(values, tensors):
    train = {key.removeprefix("train."): value for key, value in tensors.items() if key.startswith("train.")}
    t = train["timesteps"][train["t_idx"]]
    found = losses.clean_latent(train["x_t"], train["model_pred"], t)
    assert torch.allclose(found, train["x_pred"], rtol=0, atol=1e-6)
    assert torch.allclose(
        losses.clean_latent(train["x_t"], train["x0"] - train["x1"], t), train["x1"], rtol=0, atol=1e-5
    ), "the true velocity leads to the clean latent"
    assert values["train"]["total_loss"]
    for row in values["train"]["total_loss"]:
        gate = losses.published_gate(torch.tensor([row["t0"], 0.0, 1.0]), row["force_align"])
        assert float(gate) == pytest.approx(row["epsilon"], rel=1e-6)
        identity = row["id_loss_weight"] * row["id_loss"] + row["nce_loss_weight"] * row["nce"]
        assert float(row["diff"] + gate * identity) == pytest.approx(row["total"], abs=1e-5)
