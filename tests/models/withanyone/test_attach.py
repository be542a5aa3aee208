"""WithAnyone's identity branch on diffusers' FLUX against itself: batches, people, offload and compilation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.lazy import lazy, needs
from support.tiny_branch import (
    HEIGHT,
    LEFT,
    MIDDLE,
    RIGHT,
    TOKENS,
    WIDTH,
    branch_for,
    far,
    run,
    run_with,
    somebody,
    visibility_of,
)
from support.tiny_withanyone import tiny_flux

pytestmark = needs("torch", "diffusers")

accelerate = lazy("accelerate")
torch = lazy("torch")
dynamo = lazy("torch._dynamo")
attach = lazy("idbench.models.withanyone.attach")
masks = lazy("idbench.models.withanyone.masks")
residual = lazy("idbench.models.withanyone.residual")


MIXED = {
    "nobody, one, three, all with boxes": [(0,), (1, [LEFT], 1), (3, [LEFT, RIGHT, MIDDLE], 2)],
    "boxes and no boxes": [(2, [RIGHT, MIDDLE], 3), (1, None, 4), (0, []), (3, None, 5)],
    "the same number without boxes": [(2, None, 6), (2, None, 7)],
    "a box that covers nothing": [(2, [LEFT, (40, 40, 20, 20)], 8), (1, [(90, 0, 99, 64)], 9)],
}  # fmt: skip
"""What `somebody` is asked for, item by item of a batch."""


def mixed(name: str) -> list[attach.People]:
    return [somebody(*one) for one in MIXED[name]]


@pytest.fixture(params=MIXED)
def people(request: pytest.FixtureRequest) -> list[attach.People]:
    return mixed(request.param)


def test_a_mixed_batch_gives_what_its_items_give_alone(flux, tiny, people):
    together = run_with(tiny, flux, people, range(len(people)))
    for item, its_people in enumerate(people):
        alone = run_with(tiny, flux, [its_people], [item])
        assert far(together[item : item + 1], alone) < 1e-4
        assert (far(alone, run(flux, [item])) > 1e-2) == bool(visibility_of(its_people).any())


@contextmanager
def around_blocks(flux: Any, attachment: attach.Attachment) -> Iterator[list[tuple[Any, Any]]]:
    """What leaves each block before and after people are added."""
    found: list[tuple[Any, Any]] = []
    before: list[Any] = []
    handles = []
    for block in [*flux.transformer_blocks, *flux.single_transformer_blocks]:
        handles.append(block.register_forward_hook(lambda _b, _i, out: before.append(out), prepend=True))
        handles.append(block.register_forward_hook(lambda _b, _i, out: found.append((before.pop(), out))))
    yield found
    for handle in handles:
        handle.remove()


def test_behind_every_block_exactly_the_tokens_that_see_somebody_change(flux, tiny, people):
    sees = masks.visibility([len(item.arcface) for item in people], [item.boxes for item in people], WIDTH, HEIGHT).any(
        -1
    )
    with around_blocks(flux, tiny) as blocks:
        run_with(tiny, flux, people, range(len(people)))
    assert len(blocks) == 5
    for (text, image), (text_after, image_after) in blocks:
        assert torch.equal(text, text_after)
        assert torch.equal((image != image_after).any(-1), sees)
        assert image_after.isfinite().all()


def test_both_branches_start_from_the_same_image_and_weights_are_linear(flux, tiny):
    def first_residual(**weights: float) -> Any:
        with around_blocks(flux, tiny) as blocks:
            run_with(tiny, flux, [somebody(2, [LEFT, MIDDLE])], **weights)
        (_, before), (_, after) = blocks[0]
        return after - before

    arc = first_residual(id_weight=1.0, siglip_weight=0.0)
    sig = first_residual(id_weight=0.0, siglip_weight=1.0)
    assert far(arc, torch.zeros_like(arc)) > 0.1
    assert far(arc, sig) > 0.1
    assert far(first_residual(id_weight=1.5, siglip_weight=-0.25), 1.5 * arc - 0.25 * sig) < 1e-5


def test_the_residual_equals_its_literal_definition(flux, tiny):
    """Token by token and head by head, softmax over the tokens of the people whose boxes cover it."""
    people, seen = somebody(2, [LEFT, MIDDLE]), visibility_of(somebody(2, [LEFT, MIDDLE]))[0]
    with around_blocks(flux, tiny) as blocks:
        run_with(tiny, flux, [people], id_weight=0.0, siglip_weight=1.0)
    (_, before), (_, after) = blocks[-1]
    attention = tiny.branch.sig.ipa[-1]
    tokens = tiny.branch.sig.tokens(people.arcface[None], people.siglip[None])[0]
    for number, token in enumerate(before[0]):
        if not seen[number].any():
            continue
        visible = tokens[seen[number]].flatten(0, 1)
        query = (attention.to_q.weight @ attention.norm2(token)).view(-1, 64)
        keys, values = (attention.norm1(visible) @ attention.to_kv.weight.T).view(len(visible), 2, -1, 64).unbind(1)
        weights = torch.einsum("hd,thd->ht", query, keys).div(8).softmax(-1)
        added = attention.to_out.weight @ torch.einsum("ht,thd->hd", weights, values).flatten()
        assert far(after[0, number], token + added) < 1e-5


def test_attention_to_nobody_is_never_asked_for(flux):
    """Such a row has no defined result; padding attends to everybody and counts 0."""
    seen = masks.visibility([0, 2], [None, [LEFT, MIDDLE]], WIDTH, HEIGHT)
    viewers, allowed = residual.viewers_of(seen, torch.zeros(2, TOKENS, 1))
    assert allowed.any(-1).all()
    assert viewers.counts[0].sum() == 0
    assert viewers.counts[1].sum() == seen[1].any(-1).sum() == viewers.where[1].shape[1]


def test_order_of_people_does_not_matter(flux, tiny):
    people = somebody(3, [LEFT, RIGHT, MIDDLE])
    order = [2, 0, 1]
    shuffled = attach.People(people.arcface[order], people.siglip[order], [people.boxes[i] for i in order])
    swapped = attach.People(people.arcface[order], people.siglip[order], people.boxes)
    expected = run_with(tiny, flux, [people])
    assert far(run_with(tiny, flux, [shuffled]), expected) < 1e-5
    assert far(run_with(tiny, flux, [swapped]), expected) > 1e-3


def test_a_box_around_everything_is_as_good_as_no_box(flux, tiny):
    everywhere = run_with(tiny, flux, [somebody(1, [(-5, 0, WIDTH, HEIGHT + 9)])])
    assert far(everywhere, run_with(tiny, flux, [somebody(1, None)])) < 1e-6


def test_without_people_or_weights_it_is_plain_flux_bit_for_bit(flux, tmp_path):
    plain = run(flux, range(2))
    names = set(flux.state_dict())
    tiny = attach.attach(flux, branch_for(flux, tmp_path))
    people = [somebody(2, [LEFT, RIGHT]), somebody(1, None, 1)]
    assert torch.equal(run(flux, range(2)), plain)
    assert torch.equal(run_with(tiny, flux, people, range(2), id_weight=0, siglip_weight=0), plain)
    assert torch.equal(run_with(tiny, flux, [somebody(0), somebody(0, [])], range(2)), plain)
    assert far(run_with(tiny, flux, people, range(2)), plain) > 1e-2
    assert torch.equal(run(flux, range(2)), plain), "people stay after their batch"
    with pytest.raises(RuntimeError, match="stop"), tiny.people(people, WIDTH, HEIGHT):
        raise RuntimeError("stop")
    assert torch.equal(run(flux, range(2)), plain), "people stay after an error"
    tiny.detach()
    assert torch.equal(run(flux, range(2)), plain)
    assert set(flux.state_dict()) == names
    assert not any(module._forward_hooks for module in flux.modules())
    assert far(run_with(attach.attach(flux, tiny.branch), flux, people, range(2)), plain) > 1e-2


def test_keys_and_values_are_computed_once_for_all_steps_and_anew_for_other_people(flux, tiny):
    calls: list[int] = []
    tiny.branch.sig.ipa[3].to_kv.register_forward_hook(lambda *_: calls.append(1))
    first, second = somebody(2, [LEFT, RIGHT], 1), somebody(1, [MIDDLE], 2)
    with tiny.people([first], WIDTH, HEIGHT, 0.7, 0.4):
        steps = [run(flux) for _ in range(3)]
    assert len(calls) == 1
    assert torch.equal(steps[0], steps[2])
    after_others = run_with(tiny, flux, [second])
    assert far(after_others, steps[0]) > 1e-2
    assert len(calls) == 2
    assert torch.equal(run_with(tiny, flux, [first]), steps[0])
    assert torch.equal(run_with(tiny, flux, [second]), after_others)


def test_a_weight_of_zero_leaves_its_branch_out(flux, tiny):
    calls: list[str] = []
    for name in ("arc", "sig"):
        getattr(tiny.branch, name).ipa[0].to_q.register_forward_hook(lambda *_, name=name: calls.append(name))
    without_siglip = attach.People(somebody(1).arcface, None, [LEFT])
    run_with(tiny, flux, [without_siglip], siglip_weight=0)
    assert calls == ["arc"]
    run_with(tiny, flux, [somebody(1)], id_weight=0)
    assert calls == ["arc", "sig"]


def test_condition_tokens_see_nobody(flux, tmp_path):
    attachment = attach.attach(flux, branch_for(flux, tmp_path, kontext=True))
    for boxes in ([LEFT], None):
        with attachment.people([somebody(1, boxes)], WIDTH, HEIGHT), around_blocks(flux, attachment) as blocks:
            run(flux, extra=7)
        for (_, before), (_, after) in blocks:
            changed = (before != after).any(-1)[0]
            assert torch.equal(changed[:TOKENS], visibility_of(somebody(1, boxes))[0].any(-1))
            assert not changed[TOKENS:].any()


def test_sixteen_bits_go_along_with_the_transformer_and_stay_close(flux, tiny):
    people = mixed("nobody, one, three, all with boxes")
    expected = run_with(tiny, flux, people, range(3))
    flux.to(torch.bfloat16)
    assert {parameter.dtype for parameter in tiny.branch.parameters()} == {torch.bfloat16}
    found = run_with(tiny, flux, people, range(3))
    assert found.dtype == torch.bfloat16
    assert far(found.float(), expected) < 0.1
    assert far(run(flux, range(3)).float(), expected) > 0.2, "the comparison says nothing"


def test_sequential_offload_carries_the_branch(flux, tiny):
    """On a CPU, offloaded weights are on no device between calls; a weight used behind accelerate's back fails."""
    people = [somebody(2, [LEFT, RIGHT])]
    expected = run_with(tiny, flux, people)
    accelerate.cpu_offload(flux, execution_device=torch.device("cpu"))
    assert {parameter.device.type for parameter in tiny.branch.parameters()} == {"meta"}
    with tiny.people(people, WIDTH, HEIGHT, 0.7, 0.4):
        assert far(run(flux), expected) == far(run(flux), expected) == 0
    assert {parameter.device.type for parameter in tiny.branch.parameters()} == {"meta"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "inductor"])
def test_compiled_blocks_give_the_same(tmp_path, backend):
    """More blocks than torch compiles variants of one function: they must share their graphs."""
    dynamo.reset()
    flux = tiny_flux(single=dynamo.config.recompile_limit + 4)
    tiny = attach.attach(flux, branch_for(flux, tmp_path))
    batches = [mixed("boxes and no boxes")[:2], [somebody(1, [LEFT], 1), somebody(3, [LEFT, RIGHT, MIDDLE], 2)]]
    expected = [run_with(tiny, flux, people, range(2)) for people in batches]
    plain = run(flux, range(2))
    flux.compile_repeated_blocks(fullgraph=True, backend=backend)
    with torch.no_grad():
        for people, wanted in zip([*batches, *batches], expected * 2, strict=True):
            assert far(run_with(tiny, flux, people, range(2)), wanted) < 1e-4
        assert far(run(flux, range(2)), plain) < 1e-4


@pytest.mark.slow
def test_a_compiled_transformer_gives_the_same(flux, tiny):
    dynamo.reset()
    people = [somebody(2, [LEFT, RIGHT])]
    expected, plain = run_with(tiny, flux, people), run(flux)
    flux.compile(backend="eager")
    with torch.no_grad():
        for _ in range(2):
            assert far(run_with(tiny, flux, people), expected) < 1e-4
            assert far(run(flux), plain) < 1e-4
