"""InstantID on SDXL: a face embedding, and the reference's five face keypoints as the pose.

Repository https://github.com/instantX-research/InstantID at 2145b67f9607da6234702063692330185f374486. Written
against infer.py and the README's usage: `resize_img` of infer.py, `draw_kps` and
`StableDiffusionXLInstantIDPipeline` of pipeline_stable_diffusion_xl_instantid.py. There the image gets the
reference's shape; here the keypoints are moved, centred, onto an image of the size asked for.
"""

import os
from pathlib import Path

from idbench_worker import serve
from PIL import Image

PROVIDERS = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def load(hello):
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # the adapter is a pickle
    import torch
    from diffusers.models import ControlNetModel
    from insightface.app import FaceAnalysis
    from pipeline_stable_diffusion_xl_instantid import StableDiffusionXLInstantIDPipeline

    weights = hello["weights"]
    faces = FaceAnalysis(name=weights["arcface"], providers=PROVIDERS)
    faces.prepare(ctx_id=0, det_size=(640, 640))
    identitynet = ControlNetModel.from_pretrained(str(Path(weights["identitynet"]).parent), torch_dtype=torch.float16)
    pipe = StableDiffusionXLInstantIDPipeline.from_pretrained(
        weights["base"], controlnet=identitynet, torch_dtype=torch.float16
    )
    if hello["offload"] == "none":
        pipe.to(hello["device"])
    pipe.load_ip_adapter_instantid(weights["adapter"])
    if hello["offload"] == "model":
        pipe.enable_model_cpu_offload()
    elif hello["offload"] == "sequential":
        pipe.enable_sequential_cpu_offload()
    return pipe, faces, hello["device"]


def generate(loaded, job):
    import torch

    pipe, faces, device = loaded
    values = job["parameters"]
    (person,) = job["people"]
    embedding, pose = face_and_pose(faces, person["references"][0], (values["width"], values["height"]))
    return pipe(
        prompt=job["prompt"],
        negative_prompt=values["negative_prompt"],
        image_embeds=embedding,
        image=pose,
        controlnet_conditioning_scale=values["identitynet_scale"],
        ip_adapter_scale=values["adapter_scale"],
        num_inference_steps=values["steps"],
        guidance_scale=values["guidance"],
        width=values["width"],
        height=values["height"],
        generator=torch.Generator(device).manual_seed(job["seed"]),
    ).images[0]


def face_and_pose(faces, path, size):
    """Embedding of the largest face, and its keypoints drawn on an image of this size."""
    import cv2
    import numpy as np
    from diffusers.utils import load_image
    from infer import resize_img
    from pipeline_stable_diffusion_xl_instantid import draw_kps

    photo = resize_img(load_image(path))
    found = faces.get(cv2.cvtColor(np.array(photo), cv2.COLOR_RGB2BGR))
    if not found:
        raise ValueError("no face found in the reference")
    face = max(found, key=lambda one: (one["bbox"][2] - one["bbox"][0]) * (one["bbox"][3] - one["bbox"][1]))
    scale = min(size[0] / photo.width, size[1] / photo.height)
    margin = (np.array(size) - np.array(photo.size) * scale) / 2
    return face["embedding"], draw_kps(Image.new("RGB", size), face["kps"] * scale + margin)


if __name__ == "__main__":
    serve(load, generate)
