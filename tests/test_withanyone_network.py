"""WithAnyone's identity branch on diffusers' FLUX: against the published network, and against itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import accelerate  # noqa: E402
from diffusers import FluxPipeline  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_withanyone import flux_of, random_identity, tiny_flux  # noqa: E402

from idbench.errors import WeightsError  # noqa: E402
from idbench.models.withanyone.attach import Attachment, People, attach  # noqa: E402
from idbench.models.withanyone.checkpoint import load_branch  # noqa: E402
from idbench.models.withanyone.masks import location_mask, visibility  # noqa: E402
from idbench.models.withanyone.residual import Term, viewers_of  # noqa: E402
from idbench.models.withanyone.schedule import scheduler, shift  # noqa: E402

# The published network


class Published:
    """Inputs, weights and outputs of the published network, and ours with the same weights."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "model_golden.json").read_text())
        self.tolerance = self.about["suggested_tolerance"]
        self.size = (self.about["width"], self.about["height"])
        self.tensors = load_file(folder / "cases.safetensors")
        self.kontext = load_file(folder / "kontext_cases.safetensors")
        self.identity = folder / "withanyone_identity.safetensors"
        self.flux = flux_of(self.about["config"], load_file(folder / "flux_base.safetensors"))
        self.cases = {case["name"]: case for case in self.about["cases"]}

    def people(self, case: dict[str, Any], item: int = 0) -> People:
        """The people of one item of a case; every other item has them in reverse."""
        arcface = self.tensors["in.arcface"][: case["num_ids"], 0]
        siglip = self.tensors["in.siglip"][0, : case["num_ids"]]
        if item % 2:
            arcface, siglip = arcface.flip(0), siglip.flip(0)
        return People(arcface, siglip, case["bbox_lists"] and case["bbox_lists"][item])

    def forward(self, image: Any, ids: Any, batch: int = 1, time: Any = None, guidance: Any = None) -> Any:
        inputs = self.tensors
        guidance = inputs["in.guidance"] if guidance is None else guidance
        return self.flux(
            hidden_states=image.expand(batch, -1, -1),
            encoder_hidden_states=inputs["in.txt"].expand(batch, -1, -1),
            pooled_projections=inputs["in.vec"].expand(batch, -1),
            timestep=(inputs["in.timesteps"] if time is None else time).expand(batch),
            guidance=guidance.expand(batch) if self.flux.config.guidance_embeds else None,
            img_ids=ids,
            txt_ids=inputs["in.txt_ids"][0],
            return_dict=False,
        )[0]

    def with_condition(self, image: Any, time: Any = None, guidance: Any = None) -> Any:
        """Kontext: condition tokens behind the image tokens; what comes out for the latter."""
        ids = torch.cat([self.tensors["in.img_ids"], self.kontext["in.img_cond_seq_ids"]], 1)[0]
        tokens = torch.cat([image, self.kontext["in.img_cond_seq"]], 1)
        return self.forward(tokens, ids, 1, time, guidance)[:, : image.shape[1]]


@pytest.fixture(scope="module")
def published(golden: Path) -> Published:
    return Published(golden)


@pytest.fixture
def attached(published: Published) -> Iterator[Attachment]:
    attachment = attach(published.flux, load_branch(published.identity, torch.float32))
    yield attachment
    attachment.detach()


@pytest.fixture
def attached_kontext(published: Published, tmp_path: Path) -> Iterator[Attachment]:
    arc = {key: value for key, value in load_file(published.identity).items() if key.split(".")[0].endswith("_arc")}
    save_file({key.replace("_arc.", ".", 1): value for key, value in arc.items()}, tmp_path / "kontext.safetensors")
    attachment = attach(published.flux, load_branch(tmp_path / "kontext.safetensors", torch.float32))
    yield attachment
    attachment.detach()


def far(found: Any, expected: Any) -> float:
    """Largest difference, infinite where there is a NaN."""
    assert found.shape == expected.shape
    return float((found - expected).abs().nan_to_num(math.inf).max())


@pytest.mark.golden
def test_every_case_of_the_published_network(published, attached):
    for name, case in published.cases.items():
        people = [published.people(case, item) for item in range(case["batch"])]
        size = (case["img_width"], case["img_height"])
        with attached.people(people, *size, case["id_weight"], case["siglip_weight"]):
            found = published.forward(published.tensors["in.img"], published.tensors["in.img_ids"][0], case["batch"])
        tolerance = published.tolerance["identity" if case["num_ids"] else "plain"]
        assert far(found, published.tensors[case["expected"]]) < tolerance, name


@pytest.mark.golden
def test_tokens_of_both_branches(published, attached):
    tensors, about = published.tensors, published.about
    for branch, count in (("arc", "arc_tokens_per_identity"), ("sig", "sig_tokens_per_identity")):
        expected = tensors[f"mid.id_tokens_{branch}"]
        people = expected.shape[1] // about[count]
        found = getattr(attached.branch, branch).tokens(
            tensors["in.arcface"][:people].transpose(0, 1), tensors["in.siglip"][:, :people]
        )
        assert found.shape[2] == about[count]
        assert far(found.flatten(1, 2), expected) < published.tolerance["identity"], branch


@pytest.mark.golden
def test_masks_of_the_published_network(published):
    masks = {key.removeprefix("mid.mask_"): value for key, value in published.tensors.items() if "mid.mask_" in key}
    assert masks
    for name, expected in masks.items():
        case = published.cases[name]
        found = location_mask(case["bbox_lists"][0], case["img_width"], case["img_height"])
        assert torch.equal(found, expected.bool()), name
    for case in published.about["mask_cases"]:
        columns = case["width"] // 16
        found = location_mask(case["bboxes"], case["width"], case["height"]).unflatten(0, (-1, columns))
        expected = torch.zeros_like(found)
        for person, rectangle in enumerate(case["token_rects_x0y0x1y1"]):
            if rectangle:
                x1, y1, x2, y2 = rectangle
                expected[y1:y2, x1:x2, person] = True
        assert torch.equal(found, expected), case


@pytest.mark.golden
def test_images_between_blocks_and_residuals(published, attached):
    """What leaves each block before people are added, and what the first cross-attentions give for it."""
    tensors = published.tensors
    blocks = {f"double{i}": block for i, block in enumerate(published.flux.transformer_blocks)}
    blocks |= {f"single{i}": block for i, block in enumerate(published.flux.single_transformer_blocks)}
    expected = {key: value for key, value in tensors.items() if key.split(".")[-1] in blocks and key.startswith("mid.")}
    case = published.cases[next(iter(expected)).split(".")[1]]
    left: dict[str, Any] = {}
    handles = [
        block.register_forward_hook(lambda _b, _i, out, name=name: left.update({name: out[1].clone()}), prepend=True)
        for name, block in blocks.items()
    ]
    with attached.people([published.people(case)], *published.size, case["id_weight"], case["siglip_weight"]):
        published.forward(tensors["in.img"], tensors["in.img_ids"][0])
    for handle in handles:
        handle.remove()
    for key, value in expected.items():
        assert far(left[key.split(".")[-1]], value) < published.tolerance["identity"], key

    person = published.people(case)
    for branch, module in (("arc", attached.branch.arc), ("sig", attached.branch.sig)):
        image = tensors[f"mid.{case['name']}.double0"]
        viewers, seen = viewers_of(visibility([case["num_ids"]], [person.boxes], *published.size), image)
        tokens = module.tokens(person.arcface[None], person.siglip[None])
        mask = seen.repeat_interleave(tokens.shape[2], -1)[:, None]
        term = Term(module.ipa[0], *module.ipa[0].keys_values(tokens.flatten(1, 2)), mask, 1.0)
        residual = viewers.add(image, [term]) - image
        assert far(residual, tensors[f"mid.{case['name']}.ipa_{branch}0"]) < published.tolerance["identity"], branch


@pytest.mark.golden
def test_sampling_in_a_flux_pipeline(published, attached):
    """diffusers' own pipeline with the published schedule follows the published loop step by step."""
    tensors, loop = published.tensors, published.about["loop"]
    for case in loop["cases"]:
        pipe = FluxPipeline(scheduler(*published.size), None, None, None, None, None, published.flux)
        pipe.set_progress_bar_config(disable=True)
        steps: list[Any] = []

        def keep(pipe: Any, step: int, time: Any, state: dict[str, Any], steps: list[Any] = steps) -> dict[str, Any]:
            steps.append(state["latents"])
            return state

        with attached.people([published.people(case)], *published.size, loop["id_weight"], loop["siglip_weight"]):
            pipe(
                prompt_embeds=tensors["in.txt"], pooled_prompt_embeds=tensors["in.vec"], latents=tensors["in.img"],
                width=published.size[0], height=published.size[1], num_inference_steps=loop["steps"],
                guidance_scale=loop["guidance"], output_type="latent", callback_on_step_end=keep,
            )  # fmt: skip
        name, tolerance = case["name"], published.tolerance["loop"]
        assert len(steps) == loop["steps"]
        for step, latents in enumerate(steps[:-1], 1):
            assert far(latents, tensors[f"{name}.latent_after_step{step}"]) < tolerance, (name, step)
        assert far(steps[-1], tensors[f"{name}.final"]) < tolerance, name
        unpacked = pipe._unpack_latents(steps[-1], published.size[1], published.size[0], pipe.vae_scale_factor)
        assert far(unpacked, tensors[f"{name}.final_unpacked"]) < tolerance, name


@pytest.mark.golden
def test_every_case_of_the_published_kontext_network(published, attached_kontext):
    assert attached_kontext.branch.sig is None
    for case in published.about["kontext"]["cases"]:
        with attached_kontext.people([published.people(case)], *published.size):
            found = published.with_condition(published.tensors["in.img"])
        tolerance = published.tolerance["identity" if case["num_ids"] else "plain"]
        assert far(found, published.kontext[case["expected"]]) < tolerance, case["name"]


@pytest.mark.golden
def test_sampling_with_the_kontext_network(published, attached_kontext):
    loop = published.about["kontext"]["loop"]
    guidance = torch.tensor([loop["guidance"]])
    image = published.tensors["in.img"]
    with attached_kontext.people([published.people(loop)], *published.size, loop["id_weight"]):
        for now, then in zip(loop["timesteps"][:-1], loop["timesteps"][1:], strict=True):
            image = image + (then - now) * published.with_condition(image, torch.tensor([now]), guidance)
    assert far(image, published.kontext[f"{loop['name']}.final"]) < published.tolerance["loop"]


@pytest.mark.golden
def test_noise_schedules(published):
    for case in published.about["schedules"]:
        size = (case["width"], case["height"])
        assert shift(*size) == pytest.approx(case["mu"], abs=1e-9)
        sampler = scheduler(*size)
        steps = case["steps"]
        config = sampler.config
        assert config.base_shift == config.max_shift == shift(*size)
        sampler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)], mu=config.base_shift)
        assert sampler.sigmas.tolist() == pytest.approx(case["timesteps"], abs=1e-6)


# The network against itself

WIDTH, HEIGHT = 80, 64
TOKENS = (WIDTH // 16) * (HEIGHT // 16)
ARCFACE, SIGLIP, PATCHES = 24, 12, 5
LEFT, RIGHT, MIDDLE = (0, 0, 30, 64), (50, 10, 80, 40), (20.5, 20.5, 60, 50)


def branch_for(flux: Any, folder: Path, **options: Any) -> Any:
    state = random_identity(flux.config, **({"arcface": ARCFACE, "siglip": SIGLIP, "tokens": 3} | options))
    save_file(state, folder / "identity.safetensors")
    return load_branch(folder / "identity.safetensors", torch.float32)


@pytest.fixture
def flux() -> Any:
    return tiny_flux()


@pytest.fixture
def tiny(flux: Any, tmp_path: Path) -> Attachment:
    return attach(flux, branch_for(flux, tmp_path))


def somebody(count: int, boxes: Any = None, seed: int = 0) -> People:
    random = torch.Generator().manual_seed(seed)
    return People(
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
    attachment: Attachment, flux: Any, people: Sequence[People], batch: Sequence[int] = (0,), **weights: Any
) -> Any:
    with attachment.people(people, WIDTH, HEIGHT, **({"id_weight": 0.7, "siglip_weight": 0.4} | weights)):
        return run(flux, batch)


MIXED = {
    "nobody, one, three, all with boxes": [somebody(0), somebody(1, [LEFT], 1), somebody(3, [LEFT, RIGHT, MIDDLE], 2)],
    "boxes and no boxes": [somebody(2, [RIGHT, MIDDLE], 3), somebody(1, None, 4), somebody(0, []), somebody(3, None, 5)],
    "the same number without boxes": [somebody(2, None, 6), somebody(2, None, 7)],
    "a box that covers nothing": [somebody(2, [LEFT, (40, 40, 20, 20)], 8), somebody(1, [(90, 0, 99, 64)], 9)],
}  # fmt: skip


@pytest.mark.parametrize("people", MIXED.values(), ids=MIXED)
def test_a_mixed_batch_gives_what_its_items_give_alone(flux, tiny, people):
    together = run_with(tiny, flux, people, range(len(people)))
    for item, its_people in enumerate(people):
        alone = run_with(tiny, flux, [its_people], [item])
        assert far(together[item : item + 1], alone) < 1e-4
        assert (far(alone, run(flux, [item])) > 1e-2) == bool(visibility_of(its_people).any())


def visibility_of(people: People) -> Any:
    return visibility([len(people.arcface)], [people.boxes], WIDTH, HEIGHT)


@contextmanager
def around_blocks(flux: Any, attachment: Attachment) -> Iterator[list[tuple[Any, Any]]]:
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


@pytest.mark.parametrize("people", MIXED.values(), ids=MIXED)
def test_behind_every_block_exactly_the_tokens_that_see_somebody_change(flux, tiny, people):
    sees = visibility([len(item.arcface) for item in people], [item.boxes for item in people], WIDTH, HEIGHT).any(-1)
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
        residual = attention.to_out.weight @ torch.einsum("ht,thd->hd", weights, values).flatten()
        assert far(after[0, number], token + residual) < 1e-5


def test_attention_to_nobody_is_never_asked_for(flux):
    """Such a row has no defined result; padding attends to everybody and counts 0."""
    seen = visibility([0, 2], [None, [LEFT, MIDDLE]], WIDTH, HEIGHT)
    viewers, allowed = viewers_of(seen, torch.zeros(2, TOKENS, 1))
    assert allowed.any(-1).all()
    assert viewers.counts[0].sum() == 0
    assert viewers.counts[1].sum() == seen[1].any(-1).sum() == viewers.where[1].shape[1]


def test_order_of_people_does_not_matter(flux, tiny):
    people = somebody(3, [LEFT, RIGHT, MIDDLE])
    order = [2, 0, 1]
    shuffled = People(people.arcface[order], people.siglip[order], [people.boxes[i] for i in order])
    swapped = People(people.arcface[order], people.siglip[order], people.boxes)
    expected = run_with(tiny, flux, [people])
    assert far(run_with(tiny, flux, [shuffled]), expected) < 1e-5
    assert far(run_with(tiny, flux, [swapped]), expected) > 1e-3


def test_a_box_around_everything_is_as_good_as_no_box(flux, tiny):
    everywhere = run_with(tiny, flux, [somebody(1, [(-5, 0, WIDTH, HEIGHT + 9)])])
    assert far(everywhere, run_with(tiny, flux, [somebody(1, None)])) < 1e-6


def test_without_people_or_weights_it_is_plain_flux_bit_for_bit(flux, tmp_path):
    plain = run(flux, range(2))
    names = set(flux.state_dict())
    tiny = attach(flux, branch_for(flux, tmp_path))
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
    assert far(run_with(attach(flux, tiny.branch), flux, people, range(2)), plain) > 1e-2


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
    without_siglip = People(somebody(1).arcface, None, [LEFT])
    run_with(tiny, flux, [without_siglip], siglip_weight=0)
    assert calls == ["arc"]
    run_with(tiny, flux, [somebody(1)], id_weight=0)
    assert calls == ["arc", "sig"]


def test_condition_tokens_see_nobody(flux, tmp_path):
    attachment = attach(flux, branch_for(flux, tmp_path, kontext=True))
    for boxes in ([LEFT], None):
        with attachment.people([somebody(1, boxes)], WIDTH, HEIGHT), around_blocks(flux, attachment) as blocks:
            run(flux, extra=7)
        for (_, before), (_, after) in blocks:
            changed = (before != after).any(-1)[0]
            assert torch.equal(changed[:TOKENS], visibility_of(somebody(1, boxes))[0].any(-1))
            assert not changed[TOKENS:].any()


def test_sixteen_bits_go_along_with_the_transformer_and_stay_close(flux, tiny):
    people = MIXED["nobody, one, three, all with boxes"]
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
    torch._dynamo.reset()
    flux = tiny_flux(single=torch._dynamo.config.recompile_limit + 4)
    tiny = attach(flux, branch_for(flux, tmp_path))
    batches = [MIXED["boxes and no boxes"][:2], [somebody(1, [LEFT], 1), somebody(3, [LEFT, RIGHT, MIDDLE], 2)]]
    expected = [run_with(tiny, flux, people, range(2)) for people in batches]
    plain = run(flux, range(2))
    flux.compile_repeated_blocks(fullgraph=True, backend=backend)
    with torch.no_grad():
        for people, wanted in zip([*batches, *batches], expected * 2, strict=True):
            assert far(run_with(tiny, flux, people, range(2)), wanted) < 1e-4
        assert far(run(flux, range(2)), plain) < 1e-4


@pytest.mark.slow
def test_a_compiled_transformer_gives_the_same(flux, tiny):
    torch._dynamo.reset()
    people = [somebody(2, [LEFT, RIGHT])]
    expected, plain = run_with(tiny, flux, people), run(flux)
    flux.compile(backend="eager")
    with torch.no_grad():
        for _ in range(2):
            assert far(run_with(tiny, flux, people), expected) < 1e-4
            assert far(run(flux), plain) < 1e-4


# What is refused


def test_people_who_do_not_fit_are_refused(flux, tiny, tmp_path):
    with pytest.raises(ValueError, match="boxes for each of 2 references, found 1"):
        somebody(2, [LEFT])
    with pytest.raises(ValueError, match="SigLIP features for each of 1 references, found 2"):
        People(somebody(1).arcface, somebody(2).siglip)
    for people, message in (
        (People(torch.zeros(1, ARCFACE + 1)), rf"embeddings \(P, {ARCFACE}\), found \(1, {ARCFACE + 1}\)"),
        (People(torch.zeros(1, ARCFACE)), rf"SigLIP features \(P, T, {SIGLIP}\) with one T, found None"),
        (People(torch.zeros(1, ARCFACE), torch.zeros(1, 5, 3)), r"found \(1, 5, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            run_with(tiny, flux, [people])
    with pytest.raises(ValueError, match=f"batch of 1 with {TOKENS} image tokens.*found 2 with {TOKENS}"):
        run_with(tiny, flux, [somebody(1)], range(2))
    with (
        pytest.raises(ValueError, match=f"batch of 1 with {2 * TOKENS} image tokens.*found 1 with {TOKENS}"),
        tiny.people([somebody(1)], 2 * WIDTH, HEIGHT),
    ):
        run(flux)
    with pytest.raises(ValueError, match="detach"):
        attach(flux, tiny.branch)
    other = tiny_flux()
    with pytest.raises(ValueError, match=r"siglip_weight 0, found 0\.4"):
        run_with(attach(other, branch_for(other, tmp_path, kontext=True)), other, [somebody(1)])


def test_a_branch_for_another_transformer_is_refused(flux, tiny):
    with pytest.raises(WeightsError, match="expected 6 blocks, found 5"):
        attach(tiny_flux(single=4), tiny.branch)
    with pytest.raises(WeightsError, match="expected 96 features per image token, found 32"):
        attach(tiny_flux(heads=6), tiny.branch)


@pytest.mark.parametrize("kontext", [False, True])
def test_a_released_file_is_loaded_whole(flux, tmp_path, kontext):
    branch = branch_for(flux, tmp_path, kontext=kontext, tokens=5)
    sizes = branch.sizes
    assert (sizes.blocks, sizes.hidden, sizes.heads, sizes.arcface, sizes.tokens) == (5, 32, 2, ARCFACE, 5)
    assert sizes.siglip == (None if kontext else SIGLIP)
    released = load_file(tmp_path / "identity.safetensors")
    mine = branch.state_dict()
    assert len(mine) == len(released) - 6
    name = "ipa.4.to_kv.weight" if kontext else "ipa_arc.4.to_kv.weight"
    assert torch.equal(mine["arc.ipa.4.to_kv.weight"], released[name])
    assert not branch.training
    assert not any(parameter.requires_grad for parameter in branch.parameters())
    half = load_branch(tmp_path / "identity.safetensors", torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("ipa_sig.3.norm2.bias"), r"1 tensors missing: ipa_sig\.3\.norm2\.bias$"),
        (lambda state: state.pop("ipa_arc.0.to_q.weight"), r"1 tensors missing: ipa_arc\.0\.to_q\.weight$"),
        (
            lambda state: [state.pop(key) for key in list(state) if key.startswith("ipa_sig.4")],
            r"7 tensors missing: ipa_sig\.4\.norm1\.bias, .*, \.\.\.$",
        ),
        (lambda state: state.clear(), "tensors missing"),
        (
            lambda state: state.update({"siglip_in_arc.4.weight": torch.zeros(1)}),
            r"1 tensors unexpected: siglip_in_arc\.4\.weight$",
        ),
        (lambda state: state.update({"double_blocks.0.x": torch.zeros(1)}), r"unexpected: double_blocks\.0\.x$"),
        (
            lambda state: state.update({"arcface_in_sig.2.bias": torch.zeros(7)}),
            r"1 tensors wrongly shaped: arcface_in_sig\.2\.bias \(expected \(128,\), found \(7,\)\)$",
        ),
        (lambda state: state.update({"ipa_arc.0.to_q.weight": torch.zeros(7)}), r"matrix ipa_arc\.0\.to_q\.weight"),
    ],
)
def test_tensors_that_do_not_belong_are_named(flux, tmp_path, damage, message):
    file = tmp_path / "identity.safetensors"
    state = random_identity(flux.config)
    damage(state)
    save_file(state, file)
    with pytest.raises(WeightsError, match=message) as found:
        load_branch(file)
    assert str(file) in str(found.value)
    assert "\n" not in str(found.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights at"):
        load_branch(tmp_path / "absent.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"no tensors here")
    with pytest.raises(WeightsError, match="found a damaged one"):
        load_branch(tmp_path / "damaged.safetensors")


# Masks and schedule

EDGE = st.one_of(st.integers(-40, 120), st.floats(-40, 120, allow_nan=False))


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 7), st.integers(1, 7), st.lists(st.tuples(EDGE, EDGE, EDGE, EDGE), max_size=3), st.integers(0, 15)
)
def test_the_mask_equals_its_literal_definition(columns, rows, boxes, rest):
    found = location_mask(boxes, 16 * columns + rest, 16 * rows + rest)
    assert found.shape == (rows * columns, len(boxes))
    for row in range(rows):
        for column in range(columns):
            for person, (x1, y1, x2, y2) in enumerate(boxes):
                inside = math.floor(x1 / 16) <= column < math.ceil(x2 / 16)
                inside &= math.floor(y1 / 16) <= row < math.ceil(y2 / 16)
                assert bool(found[row * columns + column, person]) == inside


def test_who_is_seen_in_a_batch():
    seen = visibility([0, 1, 3], [None, None, [LEFT, RIGHT, MIDDLE]], WIDTH, HEIGHT)
    assert seen.shape == (3, TOKENS, 3)
    assert not seen[0].any()
    assert seen[1, :, 0].all()
    assert not seen[1, :, 1:].any()
    assert torch.equal(seen[2], location_mask([LEFT, RIGHT, MIDDLE], WIDTH, HEIGHT))


def test_the_published_shift_at_512_pixels():
    assert shift(512, 512) == pytest.approx(0.5 + 0.65 * (16 - 256) / 3840) == pytest.approx(0.459375)
