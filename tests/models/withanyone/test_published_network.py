"""WithAnyone's identity branch on diffusers' FLUX against the published network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lazy import lazy, needs
from support.tiny_branch import far
from support.tiny_withanyone import flux_of

from idbench.models.withanyone.schedule import scheduler, shift

pytestmark = needs("torch", "diffusers")

safetensors = lazy("safetensors.torch")
diffusers = lazy("diffusers")
torch = lazy("torch")
attach = lazy("idbench.models.withanyone.attach")
checkpoint = lazy("idbench.models.withanyone.checkpoint")
masks = lazy("idbench.models.withanyone.masks")
residual = lazy("idbench.models.withanyone.residual")


class Published:
    """Inputs, weights and outputs of the published network, and ours with the same weights."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "model_golden.json").read_text())
        self.tolerance = self.about["suggested_tolerance"]
        self.size = (self.about["width"], self.about["height"])
        self.tensors = safetensors.load_file(folder / "cases.safetensors")
        self.kontext = safetensors.load_file(folder / "kontext_cases.safetensors")
        self.identity = folder / "withanyone_identity.safetensors"
        self.flux = flux_of(self.about["config"], safetensors.load_file(folder / "flux_base.safetensors"))
        self.cases = {case["name"]: case for case in self.about["cases"]}

    def people(self, case: dict[str, Any], item: int = 0) -> attach.People:
        """The people of one item of a case; every other item has them in reverse."""
        arcface = self.tensors["in.arcface"][: case["num_ids"], 0]
        siglip = self.tensors["in.siglip"][0, : case["num_ids"]]
        if item % 2:
            arcface, siglip = arcface.flip(0), siglip.flip(0)
        return attach.People(arcface, siglip, case["bbox_lists"] and case["bbox_lists"][item])

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
def attached(published: Published) -> Iterator[attach.Attachment]:
    attachment = attach.attach(published.flux, checkpoint.load_branch(published.identity, torch.float32))
    yield attachment
    attachment.detach()


@pytest.fixture
def attached_kontext(published: Published, tmp_path: Path) -> Iterator[attach.Attachment]:
    arc = {
        key: value
        for key, value in safetensors.load_file(published.identity).items()
        if key.split(".")[0].endswith("_arc")
    }
    safetensors.save_file(
        {key.replace("_arc.", ".", 1): value for key, value in arc.items()}, tmp_path / "kontext.safetensors"
    )
    attachment = attach.attach(published.flux, checkpoint.load_branch(tmp_path / "kontext.safetensors", torch.float32))
    yield attachment
    attachment.detach()


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
    given = {key.removeprefix("mid.mask_"): value for key, value in published.tensors.items() if "mid.mask_" in key}
    assert given
    for name, expected in given.items():
        case = published.cases[name]
        found = masks.location_mask(case["bbox_lists"][0], case["img_width"], case["img_height"])
        assert torch.equal(found, expected.bool()), name
    for case in published.about["mask_cases"]:
        columns = case["width"] // 16
        found = masks.location_mask(case["bboxes"], case["width"], case["height"]).unflatten(0, (-1, columns))
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
        viewers, seen = residual.viewers_of(masks.visibility([case["num_ids"]], [person.boxes], *published.size), image)
        tokens = module.tokens(person.arcface[None], person.siglip[None])
        mask = seen.repeat_interleave(tokens.shape[2], -1)[:, None]
        term = residual.Term(module.ipa[0], *module.ipa[0].keys_values(tokens.flatten(1, 2)), mask, 1.0)
        added = viewers.add(image, [term]) - image
        assert far(added, tensors[f"mid.{case['name']}.ipa_{branch}0"]) < published.tolerance["identity"], branch


@pytest.mark.golden
def test_sampling_in_a_flux_pipeline(published, attached):
    """diffusers' own pipeline with the published schedule follows the published loop step by step."""
    tensors, loop = published.tensors, published.about["loop"]
    for case in loop["cases"]:
        pipe = diffusers.FluxPipeline(scheduler(*published.size), None, None, None, None, None, published.flux)
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
