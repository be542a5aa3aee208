"""ID-Patch as a worker.

Repository https://github.com/bytedance/ID-Patch at 38096c925c94df61b9bba25bfcfbc48cbfa88a7b. Written against demo.py:
`IDPatchInferencer.generate` of modules/inferencer.py, `draw_openpose_from_mmpose` of utils/draw_condition.py.

The demo takes the pose from a photo with the people in place. idbench gives boxes of faces only, so the pose is made
of them: of every person a nose, eyes, ears, neck and shoulders at fixed shares of the face's box, upright and from the
front; no arms, trunk or legs. The identity patch goes to the nose, as in the demo. Faces are found by MTCNN and
embedded by facexlib's ArcFace.
"""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

from idbench_worker import Refused, fit_boxes, serve

JOINTS = [(0.5, 0.6), (0.7, 0.4), (0.3, 0.4), (0.95, 0.45), (0.05, 0.45), (1.6, 1.7), (-0.6, 1.7)]
"""Nose, eyes, ears, shoulders in COCO's order, left ones first (on the image's right), in shares of a face's box."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


def load(hello):
    os.environ["HF_HUB_OFFLINE"] = "1"
    import tensorflow
    import torch
    from facexlib.recognition import init_recognition_model
    from modules.inferencer import IDPatchInferencer
    from mtcnn import MTCNN

    tensorflow.config.set_visible_devices([], "GPU")
    places, device = hello["weights"], hello["device"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ControlNetModel").mkdir()
        Path(folder, "id-patch.bin").symlink_to(places["identity"])
        Path(folder, "ControlNetModel", "config.json").symlink_to(places["controlnet_config"])
        Path(folder, "ControlNetModel", "diffusion_pytorch_model.safetensors").symlink_to(places["controlnet"])
        inferencer = IDPatchInferencer(
            base_model_path=places["base"], idp_model_path=folder, torch_device=device, torch_dtype=torch.bfloat16
        )
    encoder = init_recognition_model("arcface", device=device)
    return SimpleNamespace(inferencer=inferencer, encoder=encoder, detector=MTCNN(), device=device)


def embedding(model, path):
    """The ArcFace embedding of the first face that is found in a photo."""
    import cv2
    import numpy as np
    import torch
    from insightface.utils import face_align

    photo = cv2.imread(path)
    found = model.detector.detect_faces(photo[:, :, ::-1])
    if not found:
        raise Refused("no face found in a reference")
    points = np.array([found[0]["keypoints"][name] for name in LANDMARKS])
    face = face_align.norm_crop(photo, landmark=points, image_size=112)
    pixels = torch.from_numpy(face).unsqueeze(0).permute(0, 3, 1, 2) / 255.0 * 2 - 1
    return model.encoder(pixels.to(model.device).contiguous())[0]


def skeletons(boxes):
    """Joints (people, 17, 2) in pixels and their scores (people, 17); zero for joints that are not drawn."""
    import numpy as np

    joints, scores = np.zeros((len(boxes), 17, 2)), np.zeros((len(boxes), 17))
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        joints[i, : len(JOINTS)] = [(x1 + x * (x2 - x1), y1 + y * (y2 - y1)) for x, y in JOINTS]
    scores[:, : len(JOINTS)] = 1
    return joints, scores


def generate(model, job):
    import numpy as np
    import torch
    from PIL import Image
    from utils.draw_condition import draw_openpose_from_mmpose

    chosen = job["parameters"]
    boxes = fit_boxes(job, chosen["width"], chosen["height"])
    if boxes is None:
        raise Refused("ID-Patch needs the place of every face, and this case has no boxes")
    joints, scores = skeletons(boxes)
    black = np.zeros((chosen["height"], chosen["width"], 3), np.uint8)
    with torch.no_grad():
        return model.inferencer.generate(
            torch.stack([embedding(model, person["references"][0]) for person in job["people"]]),
            torch.from_numpy(joints[:, 0]),
            Image.fromarray(draw_openpose_from_mmpose(black, joints, scores)),
            prompt=job["prompt"],
            negative_prompt=chosen["negative_prompt"],
            guidance_scale=chosen["guidance"],
            num_inference_steps=chosen["steps"],
            controlnet_conditioning_scale=chosen["pose_weight"],
            id_injection_ratio=chosen["id_injection_ratio"],
            seed=job["seed"],
        )


if __name__ == "__main__":
    serve(load, generate)
