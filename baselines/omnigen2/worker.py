"""OmniGen2 as a worker.

Repository https://github.com/VectorSpaceLab/OmniGen2 at a90b8cb593c90c2593dc00090b597dc0615b71e7. Written against
`OmniGen2Pipeline.__call__` of omnigen2/pipelines/omnigen2/pipeline_omnigen2.py, loaded and called as inference.py does,
but with `align_res=False`: otherwise an image from one reference would have the reference's size instead of the one
asked for. The prompt stays as it is; it does not speak of "image 1", as the README advises.
"""

import os

from idbench_worker import serve
from PIL import Image, ImageOps


def load(hello):
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from omnigen2.models.transformers.transformer_omnigen2 import OmniGen2Transformer2DModel
    from omnigen2.pipelines.omnigen2.pipeline_omnigen2 import OmniGen2Pipeline

    place, dtype = hello["weights"]["base"], getattr(torch, hello["parameters"]["dtype"])
    pipeline = OmniGen2Pipeline.from_pretrained(place, torch_dtype=dtype, trust_remote_code=True)
    pipeline.transformer = OmniGen2Transformer2DModel.from_pretrained(place, subfolder="transformer", torch_dtype=dtype)
    if hello["offload"] == "model":
        pipeline.enable_model_cpu_offload()
    elif hello["offload"] == "sequential":
        pipeline.enable_sequential_cpu_offload()
    else:
        pipeline = pipeline.to(torch.device(hello["device"]))
    return pipeline, hello["device"]


def generate(loaded, job):
    import torch

    pipeline, device = loaded
    chosen = job["parameters"]
    photos = [ImageOps.exif_transpose(Image.open(p["references"][0])).convert("RGB") for p in job["people"]]
    return pipeline(
        prompt=job["prompt"],
        input_images=photos,
        width=chosen["width"],
        height=chosen["height"],
        align_res=False,
        num_inference_steps=chosen["steps"],
        max_sequence_length=1024,
        text_guidance_scale=chosen["guidance"],
        image_guidance_scale=chosen["image_guidance"],
        cfg_range=(0.0, 1.0),
        negative_prompt=chosen["negative_prompt"],
        num_images_per_prompt=1,
        generator=torch.Generator(device=device).manual_seed(job["seed"]),
        output_type="pil",
    ).images[0]


if __name__ == "__main__":
    serve(load, generate)
