"""UMO on UNO as a worker.

Repository https://github.com/bytedance/UMO at f932d1d27a5b1da9def4bf738f5b4d513d9e52ba, with its submodule
projects/UNO. Written against eval/UNO/inference_xversebench.py: `UNOPipeline` and `preprocess_ref` of
projects/UNO/uno/flux/pipeline.py, then `load_ckpt` with UMO's tensors in place of UNO's. The longest side of references
is 512 for one person and 320 for more, as there.
"""

import os
import sys
from pathlib import Path

from idbench_worker import serve
from PIL import Image, ImageOps


def load(hello):
    places = hello["weights"]
    os.environ.update(
        HF_HUB_OFFLINE="1",  # else the repository asks the hub for UNO's LoRA before it looks at LORA
        FLUX_DEV=places["flux"],
        AE=places["ae"],
        T5=places["t5"],
        CLIP=places["clip"],
        LORA=places["uno"],
    )
    uno = Path(os.environ["IDBENCH_REPOSITORY"], "projects", "UNO")
    if not (uno / "uno").is_dir():
        raise RuntimeError(f"UMO's submodule UNO is not at {uno}")
    sys.path.append(str(uno))
    import torch
    from projects.UNO.uno.flux.pipeline import UNOPipeline

    device, offload = torch.device(hello["device"]), hello["offload"] != "none"
    pipeline = UNOPipeline("flux-dev", device, offload, only_lora=True, lora_rank=512)
    pipeline.load_ckpt(places["umo"])
    if not offload:
        pipeline.model.to(device)
    return pipeline


def generate(pipeline, job):
    from projects.UNO.uno.flux.pipeline import preprocess_ref

    chosen = job["parameters"]
    photos = [ImageOps.exif_transpose(Image.open(person["references"][0])) for person in job["people"]]
    longest = 512 if len(photos) == 1 else 320
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
