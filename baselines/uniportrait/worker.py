"""UniPortrait on Stable Diffusion 1.5 (Realistic Vision), one or several people.

Repository https://github.com/junjiehe96/UniPortrait at 9757aecfbfdfaf222c27adfccc1ff6e29ed49ba9. Written against
`text_to_multi_id_generation_process` of gradio_app.py: `UniPortraitPipeline` of uniportrait/uniportrait_pipeline.py.
The demo loads a pose ControlNet and gives it weight 0; here there is none.
"""

import os
from pathlib import Path

from idbench_worker import serve

MARGINS = (0, 0.25)
"""Gray margin around a reference, in shares of its sides: faces that fill a photo are found with one."""


def load(hello):
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # all of UniPortrait's weights are pickles
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
    from insightface.app import FaceAnalysis
    from uniportrait.uniportrait_pipeline import UniPortraitPipeline

    weights = hello["weights"]
    scheduler = DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    vae = AutoencoderKL.from_pretrained(weights["vae"]).to(dtype=torch.float16)
    base = StableDiffusionPipeline.from_pretrained(
        weights["base"], torch_dtype=torch.float16, scheduler=scheduler, vae=vae
    )
    pipeline = UniPortraitPipeline(
        base,
        str(Path(weights["image_encoder"]).parent),
        ip_ckpt=weights["ip_adapter"],
        face_backbone_ckpt=weights["face_backbone"],
        uniportrait_faceid_ckpt=weights["faceid"],
        uniportrait_router_ckpt=weights["router"],
        device=hello["device"],
        torch_dtype=torch.float16,
    )
    faces = FaceAnalysis(name=weights["detector"], providers=["CUDAExecutionProvider"], allowed_modules=["detection"])
    faces.prepare(ctx_id=0, det_size=(640, 640))
    return pipeline, faces


def generate(loaded, job):
    from uniportrait.uniportrait_attention_processor import attn_args

    pipeline, faces = loaded
    values, several = job["parameters"], len(job["people"]) > 1
    people = [{"refs": [aligned_face(faces, person["references"][0])]} for person in job["people"]]
    structure = values["face_structure_scale"]
    attn_args.reset()
    attn_args.lora_scale = 0.0 if several else 1.0
    attn_args.multi_id_lora_scale = 1.0 if several else 0.0
    attn_args.faceid_scale = values["faceid_scale"]
    attn_args.num_faceids = len(people)
    return pipeline.generate(
        prompt=[job["prompt"]],
        negative_prompt=[values["negative_prompt"]],
        cond_faceids=people,
        face_structure_scale=structure if structure >= 0 else (0.3 if several else 0.1),
        seed=job["seed"],
        guidance_scale=values["guidance"],
        num_inference_steps=values["steps"],
        width=values["width"],
        height=values["height"],
    )[0]


def aligned_face(faces, path):
    """The largest face of a photo, aligned, 224 x 224."""
    import cv2
    import numpy as np
    from diffusers.utils import load_image
    from insightface.utils import face_align
    from PIL import Image

    pixels = cv2.cvtColor(np.array(load_image(path)), cv2.COLOR_RGB2BGR)
    for share in MARGINS:
        top, left = (int(side * share) for side in pixels.shape[:2])
        shown = cv2.copyMakeBorder(pixels, top, top, left, left, cv2.BORDER_CONSTANT, value=(128, 128, 128))
        if found := faces.get(shown):
            face = max(found, key=lambda one: np.prod(one.bbox[2:4] - one.bbox[:2]))
            crop = face_align.norm_crop(pixels, landmark=face.kps - (left, top), image_size=224)
            return Image.fromarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB))
    raise ValueError(f"no face found in {Path(path).name}")


if __name__ == "__main__":
    serve(load, generate)
