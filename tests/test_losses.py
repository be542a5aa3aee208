"""Training losses: against the published code, against arithmetic, and what their gradients mean."""

from __future__ import annotations

import json
import math
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from torch.autograd import gradcheck  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from idbench.errors import ConfigError  # noqa: E402
from idbench.faces.align import ARCFACE_TEMPLATE, Alignment  # noqa: E402
from idbench.losses import (  # noqa: E402
    align_faces,
    best_order,
    clean_latent,
    id_contrastive_loss,
    id_loss,
    published_gate,
)
from idbench.losses.alignment import transforms  # noqa: E402

seeds = st.integers(0, 2**31 - 1)
counts = st.integers(1, 3)
few = settings(deadline=None, max_examples=40)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def both(generated, target, negatives=None, mask=None):
    return torch.stack([id_loss(generated, target, mask), id_contrastive_loss(generated, target, negatives, mask)])


# Golden values


@pytest.fixture(scope="module")
def values(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "loss_golden.json").read_text())


@pytest.fixture(scope="module")
def tensors(golden: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(golden / "loss_golden.safetensors")


def inputs(tensors, case, dtype=torch.float32):
    pool = tensors[f"{case['name']}.ext_neg"] if case["M"] else None
    given = tensors[f"{case['name']}.gen"], tensors[f"{case['name']}.gt"], pool
    return [tensor if tensor is None else tensor.to(dtype) for tensor in given]


def gradient(loss, generated, *others):
    generated = generated.clone().requires_grad_()
    return torch.autograd.grad(loss(generated, *others), generated)[0]


@pytest.mark.golden
def test_values_of_the_published_losses(values, tensors):
    assert values["cases"]
    for case in values["cases"]:
        generated, target, pool = inputs(tensors, case)
        matched = best_order(generated, target)
        tau = case["temperature"]
        for key, found in {
            "id_loss_gt_aligned_float32": id_loss(generated, target),
            "id_loss_gt_aligned_without_boxes_float32": id_loss(generated, matched),
            "id_loss_prediction_aligned_best_order_float32": id_loss(generated, matched),
            "info_nce_float32": id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_float32_other_file": id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_no_pool_float32": id_contrastive_loss(generated, target, temperature=tau),
        }.items():
            assert float(found) == pytest.approx(case[key], abs=1e-5), (case["name"], key)
        found = id_contrastive_loss(*inputs(tensors, case, torch.float64), temperature=tau)
        assert float(found) == pytest.approx(case["info_nce_float64_formula"], abs=1e-10), case["name"]


@pytest.mark.golden
def test_gradients_of_the_published_losses(values, tensors):
    for case in values["cases"]:
        generated, target, pool = inputs(tensors, case)
        for key, found in {
            "grad_id_gt_aligned_wrt_gen": gradient(id_loss, generated, target),
            "grad_info_nce_wrt_gen": gradient(
                lambda g, t, n, tau=case["temperature"]: id_contrastive_loss(g, t, n, temperature=tau),
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
        tau, matched = case["temperature"], best_order(generated, target)
        for key, found in {
            "id_loss_gt_aligned_bfloat16": id_loss(generated, target),
            "id_loss_gt_aligned_without_boxes_bfloat16": id_loss(generated, matched),
        }.items():
            assert float(found) == pytest.approx(case[key], abs=2 * step), (case["name"], key)
        for key, found in {
            "info_nce_bfloat16": id_contrastive_loss(generated, target, pool, temperature=tau),
            "info_nce_no_pool_bfloat16": id_contrastive_loss(generated, target, temperature=tau),
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
                found = id_contrastive_loss(
                    generated,
                    target if order == "fixed" else best_order(generated, target),
                    faces_of_other_images(generated, target),
                    identities=torch.zeros(generated.shape[:2]),
                    temperature=0.07,
                )
                assert float(found) == pytest.approx(case[key], abs=1e-5), (case["name"], key)


@pytest.mark.golden
def test_one_face_and_faces_that_do_not_match_in_number(values, tensors):
    single, gt, two = tensors["single.gen"], tensors["single.gt"], tensors["mismatch.gt"]
    extra = values["extra"]
    assert float(id_loss(single[None], gt[None])) == pytest.approx(extra["single_face_id_loss"], abs=1e-5)
    padded = F.pad(single, (0, 0, 0, len(two) - len(single)))[None]
    mask = torch.arange(len(two))[None] < len(single)
    ours = id_loss(padded, two[None], mask)
    assert float(ours) == pytest.approx(float(id_loss(single[None], two[None, : len(single)])), abs=1e-6)
    assert float(id_loss(padded, two[None], mask, published=True)) == extra["mismatch_gt_aligned"]
    good = torch.stack([two, padded[0]])
    masks = torch.stack([torch.ones_like(mask[0]), mask[0]])
    whole = id_loss(good, two.expand_as(good), masks, published=True)
    assert float(whole) == extra["good_then_mismatch_gt_aligned"] != float(id_loss(good, two.expand_as(good), masks))


@pytest.mark.golden
def test_published_alignment(tensors):
    names = sorted(key.split(".")[0] for key in tensors if key.endswith(".landmarks"))
    assert names
    for name in names:
        image, landmarks = tensors[f"{name}.image"], tensors[f"{name}.landmarks"]
        expected = tensors[f"{name}.aligned"]
        height, width, size = *image.shape[:2], expected.shape[0]
        theta = torch.from_numpy(transforms(landmarks[None, None], width, height, size, published=True)[0])
        assert torch.allclose(theta, tensors[f"{name}.theta"][:2].double(), rtol=0, atol=2e-6), name
        crops = align_faces(image.permute(2, 0, 1)[None], landmarks[None, None], size, published=True)
        # Positions agree to float32, and a noise image changes by its whole range within a pixel.
        near = 2e-6 * max(height, width) * float(image.max() - image.min())
        assert (crops[0, 0].permute(1, 2, 0) - expected).abs().max() < near, name


@pytest.mark.golden
def test_latents_and_the_gated_total(values, tensors):
    train = {key.removeprefix("train."): value for key, value in tensors.items() if key.startswith("train.")}
    t = train["timesteps"][train["t_idx"]]
    found = clean_latent(train["x_t"], train["model_pred"], t)
    assert torch.allclose(found, train["x_pred"], rtol=0, atol=1e-6)
    assert torch.allclose(clean_latent(train["x_t"], train["x0"] - train["x1"], t), train["x1"], rtol=0, atol=1e-5), (
        "the true velocity leads to the clean latent"
    )
    assert values["train"]["total_loss"]
    for row in values["train"]["total_loss"]:
        gate = published_gate(torch.tensor([row["t0"], 0.0, 1.0]), row["force_align"])
        assert float(gate) == pytest.approx(row["epsilon"], rel=1e-6)
        identity = row["id_loss_weight"] * row["id_loss"] + row["nce_loss_weight"] * row["nce"]
        assert float(row["diff"] + gate * identity) == pytest.approx(row["total"], abs=1e-5)


# Arithmetic


def test_values_computed_by_hand():
    generated = torch.tensor([[[2.0, 0.0], [0.0, 3.0]]])
    target = torch.tensor([[[1.0, 0.0], [4.0, 3.0]]])
    assert float(id_loss(generated, target)) == pytest.approx((0 + 0.4) / 2)
    pool = torch.tensor([[[[-1.0, 0.0]], [[0.0, -2.0]]]])
    first = -math.log(math.e / (math.e + math.exp(0.8) + math.exp(-1)))
    second = -math.log(math.exp(0.6) / (math.exp(0.6) + 1 + math.exp(-1)))
    found = id_contrastive_loss(generated, target, pool, temperature=1.0)
    assert float(found) == pytest.approx((first + second) / 2, abs=1e-6)


@pytest.mark.parametrize("angle", [0, 60, 90, 120, 180])
def test_id_loss_is_one_minus_the_cosine(angle):
    generated = torch.tensor([[[math.cos(math.radians(angle)), math.sin(math.radians(angle))]]])
    assert float(id_loss(generated, torch.tensor([[[7.0, 0.0]]]))) == pytest.approx(
        1 - math.cos(math.radians(angle)), abs=1e-6
    )


def literal_info_nce(generated, target, negatives, mask, identities, temperature):
    """Loop over faces and negatives, one exponential at a time."""
    places = [(i, k) for i in range(len(mask)) for k in range(mask.shape[1]) if mask[i, k]]
    losses = []
    for place in places:
        keys = [target[other] for other in places if other != place and identities[other] != identities[place]]
        keys += list(negatives[place])
        power = [math.exp(F.cosine_similarity(generated[place], key, dim=0) / temperature) for key in keys]
        own = math.exp(F.cosine_similarity(generated[place], target[place], dim=0) / temperature)
        losses.append(-math.log(own / (own + sum(power))))
    return sum(losses) / max(len(losses), 1)


@few
@given(seeds, counts, counts, st.integers(0, 3), st.floats(0.05, 2))
def test_contrastive_loss_agrees_with_its_literal_definition(seed, images, faces, pool, temperature):
    generated, target = normal(seed, 2, images, faces, 5)
    negatives = normal(seed + 1, images, faces, pool, 5)
    mask, identities = normal(seed + 2, images, faces) > -0.5, (normal(seed + 3, images, faces) > 0).long()
    found = id_contrastive_loss(generated, target, negatives, mask, identities=identities, temperature=temperature)
    expected = literal_info_nce(generated, target, negatives, mask, identities, temperature)
    assert float(found) == pytest.approx(expected, abs=1e-9)


def test_a_true_velocity_leads_from_any_time_to_the_clean_latent():
    clean, noise = normal(0, 2, 3, 4, 5)
    t = torch.tensor([0.0, 0.25, 1.0])
    share = t[:, None, None]
    assert torch.allclose(clean_latent((1 - share) * clean + share * noise, noise - clean, t), clean)


def test_the_published_gate_looks_at_the_first_sample_only():
    found = [float(published_gate(torch.tensor(t))) for t in ([0.6, 0.9], [0.7, 0.1])]
    assert found == pytest.approx([1 - 1e-5, 1e-5], rel=1e-6)
    assert float(published_gate(torch.tensor([0.1]), landmarks_uncertain=True)) == pytest.approx(1e-5)


# Directions


@given(seeds, counts, counts)
@few
def test_a_step_down_the_gradient_lowers_both_losses_and_comes_closer(seed, images, faces):
    generated, target = normal(seed, 2, images, faces, 8)
    negatives = normal(seed + 1, images, faces, 4, 8)
    for loss, others in ((id_loss, (target,)), (id_contrastive_loss, (target, negatives))):
        slope = gradient(loss, generated, *others)
        assert loss(generated - 1e-4 * slope / slope.norm(), *others) < loss(generated, *others)


def test_moving_towards_the_target_lowers_both_losses():
    generated, target = normal(0, 2, 2, 2, 16)
    negatives = normal(1, 2, 2, 8, 16)
    path = torch.stack([both(torch.lerp(generated, target, share), target, negatives) for share in (0, 0.25, 0.5, 1)])
    assert (path.diff(dim=0) < 0).all()
    assert path[-1, 0] == pytest.approx(0, abs=1e-12)


def test_a_negative_like_the_generated_face_raises_the_loss_and_one_opposite_hardly_does():
    generated, target = normal(0, 2, 1, 2, 16)
    alone = id_contrastive_loss(generated, target)
    alike = id_contrastive_loss(generated, target, generated[:, :, None])
    opposite = id_contrastive_loss(generated, target, -generated[:, :, None])
    assert alone < opposite < alike
    assert alike > math.log(2) > alone


def test_two_people_given_each_others_faces_lose_more():
    target = normal(0, 2, 2, 16)
    right, swapped = target + 0.1 * normal(1, 2, 2, 16), target.flip(1)
    assert (both(swapped, target) > both(right, target) + 0.5).all()
    assert torch.equal(best_order(swapped, target), swapped)
    assert float(id_loss(swapped, best_order(swapped, target))) == pytest.approx(0, abs=1e-12)


def test_faces_of_one_person_are_no_negatives_of_each_other():
    target = normal(0, 1, 1, 16).expand(3, 1, 16)
    assert float(id_contrastive_loss(target, target)) == pytest.approx(math.log(3))
    same = torch.full((3, 1), 7)
    assert float(id_contrastive_loss(target, target, identities=same)) == pytest.approx(0, abs=1e-12)


# Invariances


@given(seeds, counts, counts, st.floats(-6, 6))
@few
def test_length_of_embeddings_does_not_matter(seed, images, faces, exponent):
    generated, target = normal(seed, 2, images, faces, 6)
    negatives = normal(seed + 1, images, faces, 3, 6)
    scale = 10**exponent
    expected = both(generated, target, negatives)
    for changed in (
        both(scale * generated, target, negatives),
        both(generated, scale * target, negatives),
        both(generated, target, scale * negatives),
    ):
        assert torch.allclose(changed, expected, rtol=1e-9, atol=1e-9)


@given(seeds, counts, counts, st.randoms(use_true_random=False))
@few
def test_order_of_negatives_and_images_does_not_matter(seed, images, faces, random):
    generated, target = normal(seed, 2, images, faces, 6)
    negatives = normal(seed + 1, images, faces, 5, 6)
    pool, batch = random.sample(range(5), 5), random.sample(range(images), images)
    expected = both(generated, target, negatives)
    assert torch.allclose(both(generated, target, negatives[:, :, pool]), expected)
    assert torch.allclose(both(generated[batch], target[batch], negatives[batch]), expected)


@given(seeds, st.integers(2, 3), counts, st.sampled_from([0.0, 1e4, math.nan, math.inf]))
@few
def test_masked_faces_do_not_matter_whatever_stands_there(seed, images, faces, junk):
    generated, target = normal(seed, 2, images, faces, 6)
    negatives = normal(seed + 1, images, faces, 3, 6)
    mask = torch.ones(images, faces, dtype=torch.bool)
    mask[0] = False
    expected = both(generated[1:], target[1:], negatives[1:])
    slopes = gradient(lambda *a: both(*a).sum(), generated[1:], target[1:], negatives[1:])
    for tensor in (generated, target, negatives):
        tensor[0] = junk
    assert torch.allclose(both(generated, target, negatives, mask), expected)
    found = gradient(lambda *a: both(*a).sum(), generated, target, negatives, mask)
    assert torch.equal(found[0], torch.zeros_like(found[0]))
    assert torch.allclose(found[1:], slopes)
    assert torch.equal(best_order(generated, target, mask)[1:], best_order(generated[1:], target[1:]))


@given(seeds, counts, st.integers(1, 4))
@few
def test_best_order_is_the_cheapest_of_all(seed, images, faces):
    generated, target = normal(seed, 2, images, faces, 4)
    cheapest = [min(float(id_loss(g[None], t[None, list(p)])) for p in permutations(range(faces)))
                for g, t in zip(generated, target, strict=True)]  # fmt: skip
    assert float(id_loss(generated, best_order(generated, target))) == pytest.approx(sum(cheapest) / images)


def test_best_order_moves_only_faces_that_exist():
    target = torch.eye(3)[None]
    generated = target[:, [1, 2, 0]]
    assert torch.equal(best_order(generated, target), generated)
    mask = torch.tensor([[True, False, True]])
    assert torch.equal(best_order(torch.eye(3)[None][:, [2, 1, 0]], target, mask)[0], torch.eye(3)[[2, 1, 0]])
    assert torch.equal(best_order(generated, target, torch.tensor([[False, True, False]])), target)


# Degenerate and inexact input


def test_a_face_that_is_not_a_number_shows_in_the_losses():
    generated, target = normal(0, 2, 2, 2, 4)
    generated[0, 0] = math.nan
    assert both(generated, best_order(generated, target)).isnan().all()


@pytest.mark.parametrize("zero", ["generated", "target", "negatives"])
def test_zero_vectors_have_cosine_zero_and_finite_gradients(zero):
    leaves = {"generated": normal(0, 1, 2, 4), "target": normal(1, 1, 2, 4), "negatives": normal(2, 1, 2, 3, 4)}
    leaves[zero][0, 0] = 0
    for leaf in leaves.values():
        leaf.requires_grad_()
    losses = both(**leaves)
    slopes = torch.autograd.grad(losses.sum(), list(leaves.values()))
    assert torch.isfinite(losses).all()
    assert all(torch.isfinite(slope).all() and slope.abs().max() < 1e3 for slope in slopes)
    if zero != "negatives":
        other = 1 - F.cosine_similarity(leaves["generated"], leaves["target"], dim=-1)[0, 1]
        assert losses[0].item() == pytest.approx((1 + other.item()) / 2)


def test_without_valid_faces_everything_is_zero():
    generated, target = normal(0, 2, 2, 2, 4)
    nobody = torch.zeros(2, 2, dtype=torch.bool)
    assert both(generated, target, mask=nobody).tolist() == [0, 0]
    assert gradient(lambda *a: both(*a).sum(), generated, target, None, nobody).abs().sum() == 0
    partly = torch.tensor([[True, True], [True, False]])
    assert gradient(lambda *a: id_loss(*a, published=True), generated, target, partly).abs().sum() == 0
    assert gradient(id_loss, generated, target, partly).abs().sum() > 0


def test_one_face_without_negatives_has_nothing_to_tell_apart():
    assert float(id_contrastive_loss(normal(0, 1, 1, 4), normal(1, 1, 1, 4))) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_single_even_inside_autocast(dtype):
    generated, target, = normal(0, 2, 2, 2, 512).to(dtype)  # fmt: skip
    negatives = normal(1, 2, 2, 64, 512).to(dtype)
    expected = both(generated.float(), target.float(), negatives.float())
    assert torch.equal(both(generated, target, negatives), expected)
    assert torch.equal(both(generated.float(), target, negatives), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(both(generated, target, negatives), expected)


def test_losses_pass_gradcheck():
    generated, target = (tensor.requires_grad_() for tensor in normal(0, 2, 2, 2, 3))
    negatives = normal(1, 2, 2, 2, 3).requires_grad_()
    mask = torch.tensor([[True, True], [True, False]])
    people = torch.tensor([[0, 1], [0, 2]])
    assert gradcheck(lambda *a: id_loss(*a, mask), (generated, target))
    assert gradcheck(
        lambda *a: id_contrastive_loss(*a, mask, identities=people, temperature=0.5), (generated, target, negatives)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: id_loss(e[0], e[0]), r"one shape \(images, faces, dimensions\), found \(3, 4\)"),
        (lambda e: id_loss(e, e[:, :2]), r"found \(2, 3, 4\) and \(2, 2, 4\); pad missing faces and mask them"),
        (lambda e: id_loss(e.long(), e), "floating-point embeddings, found torch.int64"),
        (lambda e: id_loss(e, e, torch.ones(2, 3)), r"bool mask \(2, 3\), found torch.float32"),
        (lambda e: best_order(e, e, torch.ones(2, 2).bool()), r"bool mask \(2, 3\), found torch.bool \(2, 2\)"),
        (lambda e: id_contrastive_loss(e, e, e), r"negatives \(2, 3, any, 4\), found \(2, 3, 4\)"),
        (lambda e: id_contrastive_loss(e, e, torch.ones(5, 4)), r"negatives \(2, 3, any, 4\), found \(5, 4\)"),
        (lambda e: id_contrastive_loss(e, e, torch.ones(2, 3, 9, 5)), r"found \(2, 3, 9, 5\)"),
        (lambda e: id_contrastive_loss(e, e, identities=torch.ones(6)), r"identities \(2, 3\), found \(6,\)"),
        (lambda e: id_contrastive_loss(e, e, temperature=0), "temperature above 0, found 0"),
        (lambda e: id_contrastive_loss(e, e, temperature=math.nan), "temperature above 0, found nan"),
        (lambda e: clean_latent(e, e, torch.ones(3)), r"t of shape \(B,\), found .* and \(3,\)"),
        (lambda e: clean_latent(e, e[:, :1], torch.ones(2)), r"one shape \(B, ...\)"),
        (lambda e: published_gate(torch.ones(0)), "one sample or more, found none"),
    ],
)
def test_wrong_embeddings_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(normal(0, 2, 3, 4))
    assert "\n" not in str(error.value)


# Alignment

LANDMARKS = np.array([[70.0, 62.0], [118.0, 74.0], [90.0, 97.0], [66.0, 116.0], [104.0, 126.0]])


def scene(height: int, width: int) -> np.ndarray:
    """A smooth picture, so that bilinear and bicubic agree."""
    y, x = np.mgrid[:height, :width]
    bands = [np.sin(x / 11 + y / 17), np.cos(x / 9 - y / 23), np.sin((x + y) / 13)]
    return (127.5 + 110 * np.stack(bands, axis=-1)).round().astype(np.uint8)


def as_batch(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].double()


@pytest.mark.parametrize("size", [112, 128, 224])
def test_crops_are_those_that_recognizers_get(size):
    pixels, landmarks = scene(240, 280), LANDMARKS + 50
    crop = Alignment("arcface", size).crop(pixels, np.zeros(4), landmarks)
    ours = align_faces(as_batch(pixels), torch.from_numpy(landmarks)[None, None], size)[0, 0].permute(1, 2, 0).numpy()
    assert np.abs(ours - crop).max() < 4
    assert np.abs(ours - crop).mean() < 0.7
    half = (ours[:, 1:] + ours[:, :-1]) / 2
    assert np.abs(half - crop[:, 1:]).mean() > 1.4, "the bounds notice a crop that is off by half a pixel"


def test_template_landmarks_give_the_image_back():
    pixels = as_batch(scene(112, 112))
    template = torch.from_numpy(ARCFACE_TEMPLATE)[None, None]
    for published in (False, True):
        assert torch.allclose(align_faces(pixels, template, published=published)[:, 0], pixels, atol=1e-6)


def test_the_published_map_shears_faces_and_ours_keeps_their_shape():
    stretched = ARCFACE_TEMPLATE * [1.5, 1.0]
    ours, theirs = (
        transforms(torch.from_numpy(stretched)[None, None], 200, 200, 112, published)[0] for published in (False, True)
    )
    assert ours[0, 0] == pytest.approx(ours[1, 1])
    assert theirs[0, 0] == pytest.approx(1.5 * theirs[1, 1], rel=1e-6)
    mapped = (np.c_[2 * ARCFACE_TEMPLATE / 112 - 1, np.ones(5)] @ theirs.T + 1) * 100
    assert mapped == pytest.approx(stretched, abs=1e-6)


def test_landmarks_land_on_the_template():
    """A bright spot at each landmark of a face that is an exact similarity of the template."""
    turn = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    landmarks = 2.0 * ARCFACE_TEMPLATE @ turn.T + [80, 20]
    y, x = np.mgrid[:300, :320]
    for landmark, (u, v) in zip(landmarks, ARCFACE_TEMPLATE, strict=True):
        spot = np.exp(-((x - landmark[0]) ** 2 + (y - landmark[1]) ** 2) / 200)
        crop = align_faces(torch.from_numpy(spot)[None, None], torch.from_numpy(landmarks)[None, None])[0, 0, 0]
        rows, columns = torch.meshgrid(torch.arange(112.0), torch.arange(112.0), indexing="ij")
        centre = [float((crop * axis).sum() / crop.sum()) for axis in (columns, rows)]
        assert centre == pytest.approx([u, v], abs=0.02)


def test_faces_of_a_batch_are_aligned_one_by_one():
    images = normal(0, 2, 3, 40, 50)
    landmarks = torch.from_numpy(LANDMARKS / 3)[None, None] + normal(1, 2, 3, 5, 2)
    for published in (False, True):
        crops = align_faces(images, landmarks, published=published)
        assert crops.shape == (2, 3, 3, 112, 112)
        for i in range(2):
            for k in range(3):
                alone = align_faces(images[i : i + 1], landmarks[i : i + 1, k : k + 1], published=published)
                assert torch.allclose(crops[i, k], alone[0, 0])


def test_outside_the_image_is_black_and_half_precision_keeps_positions():
    images = torch.full((1, 3, 64, 64), 255.0)
    away = torch.from_numpy(LANDMARKS)[None, None] + 500
    assert align_faces(images, away).abs().max() == 0
    pixels, landmarks = as_batch(scene(512, 512)), torch.from_numpy(LANDMARKS)[None, None] + 300.3
    half = align_faces(pixels.bfloat16(), landmarks.float())
    assert half.dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(align_faces(pixels.bfloat16(), landmarks.float()), half)
    assert (half.double() - align_faces(pixels, landmarks)).abs().max() < 2, "rounded values, not moved ones"


@pytest.mark.parametrize("published", [False, True])
def test_alignment_passes_gradcheck(published):
    images = normal(0, 2, 1, 6, 7).requires_grad_()
    landmarks = torch.from_numpy(LANDMARKS / 20)[None, None] + 0.1 * normal(1, 2, 2, 5, 2)
    assert gradcheck(lambda image: align_faces(image, landmarks, published=published), images, fast_mode=True)


def test_gradients_reach_the_face_and_nothing_else():
    images = as_batch(scene(170, 300)).requires_grad_()
    landmarks = torch.from_numpy(LANDMARKS)[None, None].requires_grad_()
    align_faces(images, landmarks).square().sum().backward()
    assert images.grad[0, :, 70:110, 75:105].abs().min() > 0
    assert images.grad[0, :, :, 220:].abs().max() == 0
    assert landmarks.grad is None


def test_descending_the_loss_through_a_crop_restores_the_face():
    """The whole way: pixels, alignment, a fixed random recognizer, the loss."""
    wanted, pixels = as_batch(scene(80, 80)) / 255, normal(0, 1, 3, 80, 80).requires_grad_()
    landmarks = torch.from_numpy(ARCFACE_TEMPLATE / 2 + 10)[None, None]
    project = normal(1, 3 * 14 * 14, 32)

    def embed(image):
        return F.avg_pool2d(align_faces(image, landmarks)[:, 0], 8).flatten(1)[:, None] @ project

    target = embed(wanted).detach()
    optimiser = torch.optim.Adam([pixels], lr=0.05)
    first = id_loss(embed(pixels), target).item()
    for _ in range(30):
        optimiser.zero_grad()
        id_loss(embed(pixels), target).backward()
        optimiser.step()
    assert id_loss(embed(pixels), target).item() < 0.1 < 0.5 < first


@pytest.mark.parametrize(
    ("images", "landmarks", "message"),
    [
        (torch.zeros(3, 9, 9), torch.rand(1, 1, 5, 2), r"images \(B, C, H, W\), found torch.float32 \(3, 9, 9\)"),
        (torch.zeros(1, 3, 9, 9, dtype=torch.uint8), torch.rand(1, 1, 5, 2), "found torch.uint8"),
        (torch.zeros(2, 3, 9, 9), torch.rand(1, 1, 5, 2), r"\(2, 1 or more, 5, 2\), found \(1, 1, 5, 2\)"),
        (torch.zeros(1, 3, 9, 9), torch.rand(1, 5, 2), r"\(1, 1 or more, 5, 2\), found \(1, 5, 2\)"),
        (torch.zeros(1, 3, 9, 9), torch.rand(1, 0, 5, 2), r"found \(1, 0, 5, 2\)"),
        (
            torch.zeros(1, 3, 9, 9),
            torch.ones(1, 1, 5, 2),
            r"distinct landmarks, found others at \(image, face\) \(0, 0\)",
        ),
        (torch.zeros(1, 3, 9, 9), torch.full((1, 1, 5, 2), math.nan), "finite, distinct landmarks"),
        (torch.zeros(1, 3, 9, 9), torch.rand(1, 1, 5, 2) / 0, "finite, distinct landmarks"),
    ],
)
def test_wrong_images_and_landmarks_are_refused_in_one_line(images, landmarks, message):
    with pytest.raises(ValueError, match=message) as error:
        align_faces(images, landmarks)
    assert "\n" not in str(error.value)


def test_sizes_without_a_template_are_refused():
    with pytest.raises(ConfigError, match="divisible by 112 or 128, found 100"):
        align_faces(torch.zeros(1, 3, 9, 9), torch.rand(1, 1, 5, 2), 100)


# Architecture


def test_losses_know_only_the_alignment_template_and_errors():
    from test_architecture import package_imports

    assert package_imports("losses") <= {"losses", "faces", "errors"}
    modules = [path.read_text() for path in (Path(align_faces.__code__.co_filename).parent).glob("*.py")]
    assert sum("idbench.faces" in text for text in modules) == 1
    assert "from idbench.faces.align import" in "".join(modules)
