"""The worker for InstantID."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stand_in_libraries import FACES, LOAD_IMAGE, TORCH
from support.worker_checks import check, of, tasks
from support.worker_stand_ins import COLOURS, run_worker, write_modules


def test_instantid_draws_the_largest_face_where_the_fitted_reference_has_it(tmp_path: Path):
    modules = {
        "torch": TORCH,
        "insightface.app": FACES,
        "diffusers.utils": LOAD_IMAGE,
        "diffusers.models": """
            from stand_in import record
            class ControlNetModel:
                @classmethod
                def from_pretrained(cls, place, torch_dtype=None):
                    record("ControlNetModel", place=place)
                    return cls()
        """,
        "infer": """
            def resize_img(input_image, max_side=1280, min_side=1024, size=None, pad_to_max_side=False, mode=2,
                           base_pixel_number=64):
                return input_image.resize((960, 1280))
        """,
        "pipeline_stable_diffusion_xl_instantid": """
            from types import SimpleNamespace
            from stand_in import picture, record
            def draw_kps(image_pil, kps, color_list=()):
                record("draw_kps", size=image_pil.size, kps=kps)
                return image_pil
            class StableDiffusionXLInstantIDPipeline:
                @classmethod
                def from_pretrained(cls, place, controlnet, torch_dtype=None):
                    record("base", place=place, dtype=torch_dtype)
                    return cls()
                def to(self, device): record("to", device=device)
                def load_ip_adapter_instantid(self, model_ckpt, image_emb_dim=512, num_tokens=16, scale=0.5):
                    record("adapter", place=model_ckpt)
                def __call__(self, prompt=None, prompt_2=None, image=None, height=None, width=None,
                             num_inference_steps=50, guidance_scale=5.0, negative_prompt=None,
                             num_images_per_prompt=1, generator=None, image_embeds=None, output_type="pil",
                             controlnet_conditioning_scale=1.0, ip_adapter_scale=None):
                    record("call", **{name: value for name, value in locals().items() if name != "self"})
                    return SimpleNamespace(images=[picture(prompt, width, height)])
        """,
    }
    asked = tasks(tmp_path)
    replies, calls = run_worker("instantid", write_modules(tmp_path / "modules", modules), asked, tmp_path)
    check(replies, asked)
    (faces,), (net,), (adapter,) = of(calls, "FaceAnalysis"), of(calls, "ControlNetModel"), of(calls, "adapter")
    assert faces["name"].endswith("weights/arcface/antelopev2") and net["place"].endswith("weights/identitynet")
    assert adapter["place"].endswith("ip-adapter.bin") and of(calls, "to")[0]["device"] == "cpu"
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["generator"], first["image_embeds"]) == ("a man", 7, list(COLOURS[0]))
    assert (last["prompt"], last["generator"]) == ("A woman on a horse", 8)
    assert (first["width"], first["height"], first["num_inference_steps"], first["guidance_scale"]) == (
        1024,
        1024,
        30,
        5.0,
    )
    assert (first["controlnet_conditioning_scale"], first["ip_adapter_scale"]) == (0.8, 0.8)
    assert first["negative_prompt"].startswith("(lowres")
    pose = of(calls, "draw_kps")[0]
    assert pose["size"] == [1024, 1024]  # 960 x 1280 becomes 768 x 1024, 128 from the left
    assert pose["kps"][2] == pytest.approx([512, 512]) and pose["kps"][0] == pytest.approx(
        [128 + 0.3 * 768, 0.3 * 1024]
    )
