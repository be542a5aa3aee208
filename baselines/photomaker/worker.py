"""PhotoMaker V2 on RealVisXL.

Repository https://github.com/TencentARC/PhotoMaker at 70ca63ad20979ff1105dbe215ac23eef2fa1fe63. Written against
inference_scripts/inference_pmv2.py: `FaceAnalysis2`, `analyze_faces` and `PhotoMakerStableDiffusionXLPipeline` of
the package photomaker. The word `img` must follow the word for the person in the prompt, once.
"""

import os
import re
from pathlib import Path

from idbench_worker import serve

TRIGGER = "img"
PERSON = re.compile(
    r"\b(?:man|woman|boy|girl|person|lady|gentleman|guy|male|female|baby|toddler|child|kid|teenager|"
    r"actor|actress|singer|model|player|athlete|soldier|individual)\b",
    re.IGNORECASE,
)


def load(hello):
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # the adapter is a pickle
    import torch
    from diffusers import EulerDiscreteScheduler
    from photomaker import FaceAnalysis2, PhotoMakerStableDiffusionXLPipeline

    weights = hello["weights"]
    modules = ["detection", "recognition"]
    faces = FaceAnalysis2(name=weights["faces"], providers=["CUDAExecutionProvider"], allowed_modules=modules)
    faces.prepare(ctx_id=0, det_size=(640, 640))
    pipe = PhotoMakerStableDiffusionXLPipeline.from_pretrained(weights["base"], torch_dtype=torch.bfloat16)
    pipe.to(hello["device"])
    adapter = Path(weights["adapter"])
    pipe.load_photomaker_adapter(
        str(adapter.parent), subfolder="", weight_name=adapter.name, trigger_word=TRIGGER, pm_version="v2"
    )
    pipe.fuse_lora()
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    if hello["offload"] != "none":
        pipe.enable_model_cpu_offload()
    return pipe, faces, hello["device"]


def generate(loaded, job):
    import numpy as np
    import torch
    from diffusers.utils import load_image
    from photomaker import analyze_faces

    pipe, faces, device = loaded
    values = job["parameters"]
    (person,) = job["people"]
    photo = load_image(person["references"][0])
    found = analyze_faces(faces, np.array(photo)[:, :, ::-1])
    if not found:
        raise ValueError("no face found in the reference")
    return pipe(
        prompt=with_trigger(job["prompt"]),
        negative_prompt=values["negative_prompt"],
        input_id_images=[photo],
        id_embeds=torch.stack([torch.from_numpy(found[0]["embedding"])]),
        num_images_per_prompt=1,
        num_inference_steps=values["steps"],
        start_merge_step=values["start_merge_step"],
        guidance_scale=values["guidance"],
        width=values["width"],
        height=values["height"],
        generator=torch.Generator(device).manual_seed(job["seed"]),
    ).images[0]


def with_trigger(prompt):
    """`img` after the first word for a person; a prompt without one is given one in front."""
    if re.search(rf"\b{TRIGGER}\b", prompt):
        return prompt
    person = PERSON.search(prompt)
    if person is None:
        return f"a person {TRIGGER}, {prompt}"
    return f"{prompt[: person.end()]} {TRIGGER}{prompt[person.end() :]}"


if __name__ == "__main__":
    serve(load, generate)
