"""DreamO v1.1 as a worker.

Repository https://github.com/bytedance/DreamO at 004415c78c4cb2544c44559d70ae0e8e5d95e692. Written against
`generate_image` of app.py: `Generator.pre_condition` of dreamo_generator.py prepares the references (task `id`: the
aligned face on white; task `ip`: the person cut out), `DreamOPipeline.__call__` of dreamo/dreamo_pipeline.py makes the
image.

`Generator` loads the pipeline itself, in one of its versions with the turbo switch the wrong way round; that step is
done here instead.
"""

import os
import tempfile
from pathlib import Path

from idbench_worker import Refused, serve

FILES = {
    "dreamo": "dreamo.safetensors",
    "cfg_distill": "dreamo_cfg_distill.safetensors",
    "sft": "v1.1/dreamo_sft_lora.safetensors",
    "dpo": "v1.1/dreamo_dpo_lora.safetensors",
    "turbo": "diffusion_pytorch_model.safetensors",
    "ben2": "BEN2_Base.pth",
}
"""What the repository calls the weights of a role in `models`, a folder it looks for in the working directory."""


def load(hello):
    os.environ["HF_HUB_OFFLINE"] = "1"  # weights lie in `models` and are not to be asked for again
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for role in FILES.keys() & hello["weights"].keys():
            link = Path(folder, "models", FILES[role])
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(hello["weights"][role])
        os.chdir(folder)
        generator = _generator(hello)
        os.chdir(home)
    return generator


def _generator(hello):
    import torch
    from dreamo.dreamo_pipeline import DreamOPipeline
    from dreamo_generator import Generator

    class Ours(Generator):
        def dreamo_pipeline_init_default(self):
            pipeline = DreamOPipeline.from_pretrained(hello["weights"]["base"], torch_dtype=torch.bfloat16)
            pipeline.load_dreamo_model(self.device, use_turbo=hello["parameters"]["turbo"], version="v1.1")
            self.dreamo_pipeline = pipeline.to(self.device)
            self.dreamo_pipeline.offload = self.offload
            if self.offload:
                self.dreamo_pipeline.enable_model_cpu_offload()

        def get_align_face(self, img):
            face = super().get_align_face(img)
            if face is None:
                raise Refused("no face found in a reference")
            return face

    return Ours(version="v1.1", offload=hello["offload"] != "none", quant="none", device=hello["device"])


def generate(generator, job):
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    chosen = job["parameters"]
    photos = [ImageOps.exif_transpose(Image.open(p["references"][0])).convert("RGB") for p in job["people"]]
    with torch.inference_mode():
        conditions, _, seed = generator.pre_condition(
            ref_images=[np.array(photo) for photo in photos],
            ref_tasks=[chosen["task"]] * len(photos),
            ref_res=chosen["reference_size"],
            seed=job["seed"],
        )
        return generator.dreamo_pipeline(
            prompt=job["prompt"],
            width=chosen["width"],
            height=chosen["height"],
            num_inference_steps=chosen["steps"],
            guidance_scale=chosen["guidance"],
            ref_conds=conditions,
            generator=torch.Generator(device="cpu").manual_seed(seed),
            true_cfg_scale=1,
            true_cfg_start_step=0,
            true_cfg_end_step=0,
            negative_prompt="",
            neg_guidance_scale=3.5,
            first_step_guidance_scale=chosen["guidance"],
        ).images[0]


if __name__ == "__main__":
    serve(load, generate)
