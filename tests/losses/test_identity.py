"""Identity losses: against arithmetic, and what their gradients mean."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lazy import lazy, needs
from support.random_embeddings import both, counts, few, gradient, normal, seeds

pytestmark = needs("torch")

torch = lazy("torch")
F = lazy("torch.nn.functional")
losses = lazy("idbench.losses")


def test_values_computed_by_hand():
    generated = torch.tensor([[[2.0, 0.0], [0.0, 3.0]]])
    target = torch.tensor([[[1.0, 0.0], [4.0, 3.0]]])
    assert float(losses.id_loss(generated, target)) == pytest.approx((0 + 0.4) / 2)
    pool = torch.tensor([[[[-1.0, 0.0]], [[0.0, -2.0]]]])
    first = -math.log(math.e / (math.e + math.exp(0.8) + math.exp(-1)))
    second = -math.log(math.exp(0.6) / (math.exp(0.6) + 1 + math.exp(-1)))
    found = losses.id_contrastive_loss(generated, target, pool, temperature=1.0)
    assert float(found) == pytest.approx((first + second) / 2, abs=1e-6)


@pytest.mark.parametrize("angle", [0, 60, 90, 120, 180])
def test_id_loss_is_one_minus_the_cosine(angle):
    generated = torch.tensor([[[math.cos(math.radians(angle)), math.sin(math.radians(angle))]]])
    assert float(losses.id_loss(generated, torch.tensor([[[7.0, 0.0]]]))) == pytest.approx(
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
    found = losses.id_contrastive_loss(
        generated, target, negatives, mask, identities=identities, temperature=temperature
    )
    expected = literal_info_nce(generated, target, negatives, mask, identities, temperature)
    assert float(found) == pytest.approx(expected, abs=1e-9)


@given(seeds, counts, counts)
@few
def test_a_step_down_the_gradient_lowers_both_losses_and_comes_closer(seed, images, faces):
    generated, target = normal(seed, 2, images, faces, 8)
    negatives = normal(seed + 1, images, faces, 4, 8)
    for loss, others in ((losses.id_loss, (target,)), (losses.id_contrastive_loss, (target, negatives))):
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
    alone = losses.id_contrastive_loss(generated, target)
    alike = losses.id_contrastive_loss(generated, target, generated[:, :, None])
    opposite = losses.id_contrastive_loss(generated, target, -generated[:, :, None])
    assert alone < opposite < alike
    assert alike > math.log(2) > alone


def test_two_people_given_each_others_faces_lose_more():
    target = normal(0, 2, 2, 16)
    right, swapped = target + 0.1 * normal(1, 2, 2, 16), target.flip(1)
    assert (both(swapped, target) > both(right, target) + 0.5).all()
    assert torch.equal(losses.best_order(swapped, target), swapped)
    assert float(losses.id_loss(swapped, losses.best_order(swapped, target))) == pytest.approx(0, abs=1e-12)


def test_faces_of_one_person_are_no_negatives_of_each_other():
    target = normal(0, 1, 1, 16).expand(3, 1, 16)
    assert float(losses.id_contrastive_loss(target, target)) == pytest.approx(math.log(3))
    same = torch.full((3, 1), 7)
    assert float(losses.id_contrastive_loss(target, target, identities=same)) == pytest.approx(0, abs=1e-12)


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
    assert torch.equal(losses.best_order(generated, target, mask)[1:], losses.best_order(generated[1:], target[1:]))


@given(seeds, counts, st.integers(1, 4))
@few
def test_best_order_is_the_cheapest_of_all(seed, images, faces):
    generated, target = normal(seed, 2, images, faces, 4)
    cheapest = [min(float(losses.id_loss(g[None], t[None, list(p)])) for p in permutations(range(faces)))
                for g, t in zip(generated, target, strict=True)]  # fmt: skip
    assert float(losses.id_loss(generated, losses.best_order(generated, target))) == pytest.approx(
        sum(cheapest) / images
    )


def test_best_order_moves_only_faces_that_exist():
    target = torch.eye(3)[None]
    generated = target[:, [1, 2, 0]]
    assert torch.equal(losses.best_order(generated, target), generated)
    mask = torch.tensor([[True, False, True]])
    assert torch.equal(losses.best_order(torch.eye(3)[None][:, [2, 1, 0]], target, mask)[0], torch.eye(3)[[2, 1, 0]])
    assert torch.equal(losses.best_order(generated, target, torch.tensor([[False, True, False]])), target)


def test_a_face_that_is_not_a_number_shows_in_the_losses():
    generated, target = normal(0, 2, 2, 2, 4)
    generated[0, 0] = math.nan
    assert both(generated, losses.best_order(generated, target)).isnan().all()


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
    assert gradient(lambda *a: losses.id_loss(*a, published=True), generated, target, partly).abs().sum() == 0
    assert gradient(losses.id_loss, generated, target, partly).abs().sum() > 0


def test_one_face_without_negatives_has_nothing_to_tell_apart():
    assert float(losses.id_contrastive_loss(normal(0, 1, 1, 4), normal(1, 1, 1, 4))) == 0


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_is_compared_in_single_even_inside_autocast(name):
    dtype = getattr(torch, name)
    generated, target = normal(0, 2, 2, 2, 512).to(dtype)
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
    assert torch.autograd.gradcheck(lambda *a: losses.id_loss(*a, mask), (generated, target))
    assert torch.autograd.gradcheck(
        lambda *a: losses.id_contrastive_loss(*a, mask, identities=people, temperature=0.5),
        (generated, target, negatives),
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: losses.id_loss(e[0], e[0]), r"one shape \(images, faces, dimensions\), found \(3, 4\)"),
        (lambda e: losses.id_loss(e, e[:, :2]), r"found \(2, 3, 4\) and \(2, 2, 4\); pad missing faces and mask them"),
        (lambda e: losses.id_loss(e.long(), e), "floating-point embeddings, found torch.int64"),
        (lambda e: losses.id_loss(e, e, torch.ones(2, 3)), r"bool mask \(2, 3\), found torch.float32"),
        (lambda e: losses.best_order(e, e, torch.ones(2, 2).bool()), r"bool mask \(2, 3\), found torch.bool \(2, 2\)"),
        (lambda e: losses.id_contrastive_loss(e, e, e), r"negatives \(2, 3, any, 4\), found \(2, 3, 4\)"),
        (lambda e: losses.id_contrastive_loss(e, e, torch.ones(5, 4)), r"negatives \(2, 3, any, 4\), found \(5, 4\)"),
        (lambda e: losses.id_contrastive_loss(e, e, torch.ones(2, 3, 9, 5)), r"found \(2, 3, 9, 5\)"),
        (lambda e: losses.id_contrastive_loss(e, e, identities=torch.ones(6)), r"identities \(2, 3\), found \(6,\)"),
        (lambda e: losses.id_contrastive_loss(e, e, temperature=0), "temperature above 0, found 0"),
        (lambda e: losses.id_contrastive_loss(e, e, temperature=math.nan), "temperature above 0, found nan"),
        (lambda e: losses.clean_latent(e, e, torch.ones(3)), r"t of shape \(B,\), found .* and \(3,\)"),
        (lambda e: losses.clean_latent(e, e[:, :1], torch.ones(2)), r"one shape \(B, ...\)"),
        (lambda e: losses.published_gate(torch.ones(0)), "one sample or more, found none"),
    ],
)
def test_wrong_embeddings_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(normal(0, 2, 3, 4))
    assert "\n" not in str(error.value)
