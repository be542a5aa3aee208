"""The worker for UniPortrait."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.stand_in_libraries import FACES, LOAD_IMAGE, TORCH
from support.worker_checks import check, of, roles_of, tasks
from support.worker_stand_ins import COLOURS, job, run_worker, write_modules

UNIPORTRAIT = {
    "torch": TORCH,
    "insightface.app": FACES,
    "insightface.utils.face_align": """
        from stand_in import record
        def norm_crop(img, landmark, image_size=112, mode="arcface"):
            record("norm_crop", landmark=landmark[2], size=image_size)
            return img[:8, :8].copy()
    """,
    "diffusers.utils": LOAD_IMAGE,
    "diffusers.all": """
        class AutoencoderKL:
            @classmethod
            def from_pretrained(cls, place): return cls()
            def to(self, dtype=None): return self
        class DDIMScheduler:
            def __init__(self, num_train_timesteps, beta_start, beta_end, beta_schedule, clip_sample, set_alpha_to_one,
                         steps_offset): pass
        class StableDiffusionPipeline:
            @classmethod
            def from_pretrained(cls, place, torch_dtype=None, scheduler=None, vae=None): return cls()
    """,
    "uniportrait.uniportrait_attention_processor": """
        class AttentionArgs:
            def reset(self): self.__dict__.clear()
        attn_args = AttentionArgs()
    """,
    "uniportrait.uniportrait_pipeline": """
        from stand_in import picture, record
        from .uniportrait_attention_processor import attn_args
        class UniPortraitPipeline:
            def __init__(self, sd_pipe, image_encoder_path, ip_ckpt=None, face_backbone_ckpt=None,
                         uniportrait_faceid_ckpt=None, uniportrait_router_ckpt=None, num_ip_tokens=4,
                         num_faceid_tokens=16, lora_rank=128, device="cuda", torch_dtype="float16"):
                places = [image_encoder_path, ip_ckpt, face_backbone_ckpt, uniportrait_faceid_ckpt,
                          uniportrait_router_ckpt]
                record("load", places=places)
            def generate(self, prompt=None, negative_prompt=None, pil_ip_image=None, cond_faceids=None,
                         face_structure_scale=0.0, seed=-1, guidance_scale=7.5, num_inference_steps=30, zT=None,
                         **kwargs):
                record("call", **{name: value for name, value in locals().items() if name != "self"},
                       attention=vars(attn_args))
                return [picture(prompt[0], **kwargs)]
    """,
}


def uniportrait(folder: Path) -> Path:
    stand_ins = write_modules(folder / "modules", UNIPORTRAIT)
    (stand_ins / "diffusers" / "__init__.py").write_text("from .all import *")
    return stand_ins


@pytest.mark.parametrize("people", [1, 2])
def test_uniportrait_takes_one_person_or_several(tmp_path: Path, people: int):
    asked = tasks(tmp_path, people)
    replies, calls = run_worker("uniportrait", uniportrait(tmp_path), asked, tmp_path)
    check(replies, asked)
    (faces,), (load,) = of(calls, "FaceAnalysis"), of(calls, "load")
    assert faces["name"].endswith("buffalo_l") and faces["modules"] == ["detection"]
    assert roles_of(load["places"]) == ["image_encoder", "ip_adapter", "face_backbone", "faceid", "router"]
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["seed"], first["negative_prompt"]) == (["a man"], 7, ["nsfw"])
    assert (last["prompt"], last["seed"]) == (["A woman on a horse"], 8)
    assert [one["refs"] for one in first["cond_faceids"]] == [[list(colour)] for colour in COLOURS[:people]]
    assert first["kwargs"] == {"width": 512, "height": 512}
    assert (first["guidance_scale"], first["num_inference_steps"]) == (7.5, 25)
    assert first["face_structure_scale"] == (0.1 if people == 1 else 0.3)
    scales = {"lora_scale": float(people == 1), "multi_id_lora_scale": float(people > 1)}
    assert first["attention"] == scales | {"faceid_scale": 0.7, "num_faceids": people}
    assert of(calls, "norm_crop")[0] == {"what": "norm_crop", "landmark": [48.0, 64.0], "size": 224}


def test_uniportrait_finds_a_face_that_fills_its_photo(tmp_path: Path):
    """With a margin, and the landmarks are moved back by it."""
    task = job(tmp_path, "a", "a man")
    Image.new("RGB", (96, 128), "white").save(tmp_path / "photos" / "0.png")
    replies, calls = run_worker("uniportrait", uniportrait(tmp_path), [task], tmp_path)
    assert replies["a"].outcome == "generated", replies
    assert of(calls, "norm_crop")[0]["landmark"] == [48.0, 64.0]
