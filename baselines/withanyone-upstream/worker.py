"""WithAnyone's published code, as a cross-check of idbench's own.

Repository https://github.com/Doby-Xu/WithAnyone at 0c7ecc6e798c82c6618a1839c668e423f0bd3c18. Written against
`main` of infer_withanyone.py: `FaceExtractor`, `general_face_preserving_resize` and `extract_object` of util.py and
`WithAnyonePipeline` of withanyone/flux/pipeline.py. As in idbench's own, the crop that places the boxes is drawn by
the job's opaque case, and without boxes people may stand anywhere; as published, the first face found in a reference
is taken and noise is drawn on the device.
"""

import os
import random
import tempfile
from pathlib import Path

from idbench_worker import fit_boxes, serve
from PIL import Image, ImageOps

PLACES = {"flux1-dev.safetensors": "flux", "ae.safetensors": "autoencoder", "models/antelopev2": "arcface"}
"""Where the published code looks, from one folder; roles of the card."""


def load(hello):
    import torch
    from transformers import AutoModelForImageSegmentation
    from util import FaceExtractor
    from withanyone.flux.pipeline import WithAnyonePipeline

    weights = hello["weights"]
    device = torch.device(hello["device"])
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for place, role in PLACES.items():
            link = Path(folder) / place
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(weights[role])
        os.chdir(folder)
        try:
            faces = FaceExtractor()
            pipeline = WithAnyonePipeline(
                "flux-dev",
                weights["identity"],
                device,
                hello["offload"] != "none",
                only_lora=True,
                face_extractor=faces,
                clip_path=weights["clip"],
                t5_path=weights["t5"],
                flux_path=folder,
                siglip_path=weights["siglip"],
            )
        finally:
            os.chdir(before)
    matting = None
    if hello["parameters"]["matting"]:
        matting = AutoModelForImageSegmentation.from_pretrained(weights["matting"], trust_remote_code=True)
        matting = matting.to(device, dtype=torch.bfloat16)
    return pipeline, faces, matting, device


def generate(loaded, job):
    import torch
    from util import extract_object

    pipeline, faces, matting, device = loaded
    values = job["parameters"]
    shown, embeddings = [], []
    for number, person in enumerate(job["people"]):
        photo = ImageOps.exif_transpose(Image.open(person["references"][0])).convert("RGB")
        face, embedding = faces.extract(photo)
        if face is None:
            raise ValueError(f"no face found in the reference of person {number}")
        shown.append(extract_object(matting, face)[0] if matting else face)
        embeddings.append(torch.tensor(embedding))
    boxes = places(job, values["width"], values["height"])
    return pipeline(
        prompt=job["prompt"],
        width=values["width"],
        height=values["height"],
        guidance=values["guidance"],
        num_steps=values["steps"],
        seed=job["seed"],
        ref_imgs=shown,
        arcface_embeddings=torch.stack(embeddings).to(device),
        bboxes=[boxes] if boxes else None,
        id_weight=values["id_weight"] if values["id_weight"] >= 0 else 1 - values["siglip_weight"],
        siglip_weight=values["siglip_weight"],
    )


def places(job, width, height):
    """People's boxes in pixels of the image, as idbench's own adapter has them; None lets them stand anywhere."""
    from util import general_face_preserving_resize

    fitted = fit_boxes(job, width, height) if job["parameters"]["boxes"] != "none" else None
    if fitted is None:
        return None
    if job["parameters"]["boxes"] == "fit" or width != height:
        boxes = [[int(side) for side in box] for box in fitted]
    else:
        random.seed(job["case"])
        target = Image.new("L", job["canvas"])
        boxes = general_face_preserving_resize(target, [person["box"] for person in job["people"]], width)[1]
    job["told_boxes"] = boxes
    return boxes


if __name__ == "__main__":
    serve(load, generate)
