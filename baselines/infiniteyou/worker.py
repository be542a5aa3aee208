"""InfiniteYou-FLUX v1.0, the variant aes_stage2, without a control image.

Repository https://github.com/bytedance/InfiniteYou at aa4e8441925b0fd742c0ded36d50bd2ddbd20503. Written against
`main` of test.py: `InfUFluxPipeline` of pipelines/pipeline_infu_flux.py.
"""

import os
import tempfile
from pathlib import Path

from idbench_worker import serve


def load(hello):
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # the projection and facexlib's network are pickles
    os.environ["HF_HUB_OFFLINE"] = "1"  # where loading fails, the repository would fetch everything anew
    from pipelines.pipeline_infu_flux import InfUFluxPipeline

    if hello["offload"] != "none":
        raise NotImplementedError("the published pipeline lies on the GPU as a whole; expected offload=none")
    weights = hello["weights"]
    places = {
        "image_proj_model.bin": weights["projection"],
        "InfuseNetModel": Path(weights["infusenet_1"]).parent,
        "models/antelopev2": weights["arcface"],
    }
    with tempfile.TemporaryDirectory() as folder:  # in which all is named as the repository asks for it
        for name, place in places.items():
            link = Path(folder) / name
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(place)
        return InfUFluxPipeline(
            base_model_path=weights["base"],
            infu_model_path=folder,
            insightface_root_path=folder,
            infu_flux_version="v1.0",
            model_version="aes_stage2",
        )


def generate(pipeline, job):
    from PIL import Image, ImageOps

    values = job["parameters"]
    (person,) = job["people"]
    return pipeline(
        id_image=ImageOps.exif_transpose(Image.open(person["references"][0])).convert("RGB"),
        prompt=job["prompt"],
        width=values["width"],
        height=values["height"],
        seed=job["seed"],
        guidance_scale=values["guidance"],
        num_steps=values["steps"],
        infusenet_conditioning_scale=values["infusenet_scale"],
        infusenet_guidance_start=values["infusenet_start"],
        infusenet_guidance_end=values["infusenet_end"],
    )


if __name__ == "__main__":
    serve(load, generate)
