"""UNO as a worker.

Repository https://github.com/bytedance/UNO at 128ea8073ad74e4a97c8cb35159f2299132e3e38. Written against
`UNOPipeline.__call__` and `preprocess_ref` of uno/flux/pipeline.py, as inference.py calls them. Places of weights go
through the environment variables that its README names; the longest side of references is 512, 320 or 256 for one, two
or more people, as app.py recommends.
"""

import os

from idbench_worker import serve
from PIL import Image, ImageOps

LONGEST = {1: 512, 2: 320}


def load(hello):
    places = hello["weights"]
    os.environ.update(
        HF_HUB_OFFLINE="1",  # else the repository asks the hub for its LoRA before it looks at LORA
        FLUX_DEV=places["flux"],
        AE=places["ae"],
        T5=places["t5"],
        CLIP=places["clip"],
        LORA=places["lora"],
    )
    import torch
    from uno.flux.pipeline import UNOPipeline

    offload = hello["offload"] != "none"
    return UNOPipeline("flux-dev", torch.device(hello["device"]), offload, only_lora=True, lora_rank=512)


def generate(pipeline, job):
    from uno.flux.pipeline import preprocess_ref

    chosen = job["parameters"]
    photos = [ImageOps.exif_transpose(Image.open(person["references"][0])) for person in job["people"]]
    longest = LONGEST.get(len(photos), 256)
    return pipeline(
        prompt=job["prompt"],
        width=chosen["width"],
        height=chosen["height"],
        guidance=chosen["guidance"],
        num_steps=chosen["steps"],
        seed=job["seed"],
        ref_imgs=[preprocess_ref(photo, longest) for photo in photos],
        pe="d",
    )


if __name__ == "__main__":
    serve(load, generate)
