"""PuLID for FLUX, version 0.9.1.

Repository https://github.com/ToTheBeginning/PuLID at 75d225a557635d2534e37cdc9ce092bd0d0f4d22. Written against
`FluxGenerator.generate_image` of app_flux.py, which takes its weights from fixed places: loading happens in a
folder where they lie there.
"""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

from idbench_worker import serve

PLACES = {
    "models/flux1-dev.safetensors": "flux",
    "models/ae.safetensors": "autoencoder",
    "models/antelopev2": "arcface",
    "xlabs-ai/xflux_text_encoders": "t5",
    "openai/clip-vit-large-patch14": "clip",
}
"""Where the repository looks, from its working directory; roles of the card."""


def load(hello):
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # EVA-CLIP and facexlib's networks are pickles
    import eva_clip.pretrained
    import pulid.pipeline_flux
    from app_flux import FluxGenerator

    weights = hello["weights"]
    # Asked for at every start, though all is here.
    eva_clip.pretrained.hf_hub_download = lambda *_, **__: weights["eva_clip"]
    pulid.pipeline_flux.hf_hub_download = pulid.pipeline_flux.snapshot_download = lambda *_, **__: None
    options = SimpleNamespace(fp8=False, onnx_provider="gpu", pretrained_model=weights["pulid"], version="v0.9.1")
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for place, role in PLACES.items():
            link = Path(folder) / place
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(weights[role])
        os.chdir(folder)
        try:
            return FluxGenerator(
                "flux-dev", hello["device"], hello["offload"] != "none", hello["offload"] == "sequential", options
            )
        finally:
            os.chdir(before)


def generate(generator, job):
    import numpy as np
    from PIL import Image, ImageOps

    values = job["parameters"]
    (person,) = job["people"]
    photo = ImageOps.exif_transpose(Image.open(person["references"][0])).convert("RGB")
    image, _, _ = generator.generate_image(
        width=values["width"],
        height=values["height"],
        num_steps=values["steps"],
        start_step=values["start_step"],
        guidance=values["guidance"],
        seed=job["seed"],
        prompt=job["prompt"],
        id_image=np.array(photo),
        id_weight=values["id_weight"],
        max_sequence_length=values["max_sequence_length"],
    )
    return image


if __name__ == "__main__":
    serve(load, generate)
