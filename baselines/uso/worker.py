"""USO as a worker.

Repository https://github.com/bytedance/USO at b6784d70956754725663b1c73b74a0db18be9446. Written against
`USOPipeline.__call__` and `preprocess_ref` of uso/flux/pipeline.py, as inference.py calls them for a content reference
alone (its `use_siglip` off: SigLIP sees style references only, and there are none). Places of weights go through the
environment variables that the repository reads.
"""

import os

from idbench_worker import Refused, serve
from PIL import Image, ImageOps


def load(hello):
    places = hello["weights"]
    os.environ.update(
        HF_HUB_OFFLINE="1",
        FLUX_DEV=places["flux"],
        AE=places["ae"],
        T5=places["t5"],
        CLIP=places["clip"],
        LORA=places["lora"],
        PROJECTION_MODEL=places["projector"],
    )
    import torch
    from uso.flux.pipeline import USOPipeline

    device, offload = torch.device(hello["device"]), hello["offload"] != "none"
    return USOPipeline("flux-dev", device, offload, only_lora=True, lora_rank=128, hf_download=False)


def generate(pipeline, job):
    from uso.flux.pipeline import preprocess_ref

    if len(job["people"]) > 1:
        raise Refused("USO takes one content reference; any further image would be one of style")
    chosen = job["parameters"]
    photo = ImageOps.exif_transpose(Image.open(job["people"][0]["references"][0]))
    return pipeline(
        prompt=job["prompt"],
        width=chosen["width"],
        height=chosen["height"],
        guidance=chosen["guidance"],
        num_steps=chosen["steps"],
        seed=job["seed"],
        ref_imgs=[preprocess_ref(photo, chosen["content_size"])],
        pe="d",
        siglip_inputs=None,
    )


if __name__ == "__main__":
    serve(load, generate)
