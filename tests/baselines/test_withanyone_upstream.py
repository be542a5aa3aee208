"""The worker for WithAnyone's published code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.stand_in_libraries import TORCH
from support.worker_checks import check, of, roles_of, tasks
from support.worker_stand_ins import COLOURS, job, run_worker, write_modules

from idbench.generate.handover import opaque_case
from idbench.models.cards import card_of
from idbench.models.settings import settings_of
from idbench.models.withanyone.adapter import boxes_on_canvas

WITHANYONE = {
    "torch": TORCH,
    "transformers": """
        class AutoModelForImageSegmentation:
            @classmethod
            def from_pretrained(cls, place, trust_remote_code=False): return cls()
            def to(self, device, dtype=None): return self
    """,
    "util": """
        import random
        from pathlib import Path
        import numpy as np
        from idbench.models.withanyone.preprocess import square_crop
        from stand_in import record
        class FaceExtractor:
            def __init__(self):
                record("FaceExtractor", pack=str(Path("models/antelopev2").resolve()))
            def extract(self, image):
                colour = image.getpixel((5, 5))
                return (image, np.array(colour)) if any(colour) else (None, None)
        def general_face_preserving_resize(img, face_bboxes, target_size=512):
            return None, [list(map(int, box)) for box in square_crop(*img.size, face_bboxes, target_size, random)[1]]
        def extract_object(birefnet, image):
            return image.point(lambda value: value // 2), None
    """,
    "withanyone.flux.pipeline": """
        from pathlib import Path
        from stand_in import picture, record
        class WithAnyonePipeline:
            def __init__(self, model_type, ipa_path, device, offload=False, only_lora=False, no_lora=False,
                         lora_rank=16, face_extractor=None, additional_lora_ckpt=None, lora_weight=1.0, clip_path="",
                         t5_path="", flux_path="", siglip_path=""):
                places = [str((Path(flux_path) / name).resolve()) for name in ("flux1-dev.safetensors", "ae.safetensors")]
                record("load", places=[ipa_path, clip_path, t5_path, siglip_path, *places], offload=offload)
            def __call__(self, prompt, width=512, height=512, guidance=4, num_steps=50, seed=123456789, **kwargs):
                return self.forward(prompt, width, height, guidance, num_steps, seed, **kwargs)
            def forward(self, prompt, width, height, guidance, num_steps, seed, ref_imgs=None, arcface_embeddings=None,
                        bboxes=None, id_weight=1.0, siglip_weight=1.0):
                record("call", **{name: value for name, value in locals().items() if name != "self"})
                return picture(prompt, width, height)
    """,
}


def test_withanyone_upstream_gets_what_the_published_script_gives(tmp_path: Path):
    asked = tasks(tmp_path, people=2)
    stand_ins = write_modules(tmp_path / "modules", WITHANYONE)
    replies, calls = run_worker("withanyone-upstream", stand_ins, asked, tmp_path, siglip_weight="0.25", matting="true")
    check(replies, asked)
    (faces,), (load,), call = of(calls, "FaceExtractor"), of(calls, "load"), of(calls, "call")[0]
    assert faces["pack"].endswith("weights/arcface/antelopev2") and load["offload"] is False
    assert roles_of(load["places"]) == ["identity", "clip", "t5", "siglip", "flux", "autoencoder"]
    assert (call["prompt"], call["seed"], call["width"], call["height"]) == ("a man", 7, 512, 512)
    assert (call["num_steps"], call["guidance"]) == (25, 4.0)
    assert (call["id_weight"], call["siglip_weight"]) == (0.75, 0.25)
    assert call["arcface_embeddings"] == [list(colour) for colour in COLOURS[:2]]
    assert call["ref_imgs"] == [[value // 2 for value in colour] for colour in COLOURS[:2]]


@pytest.mark.parametrize("changes", [{}, {"boxes": "fit"}, {"boxes": "none"}, {"width": "640"}])
def test_withanyone_upstream_places_people_as_idbenchs_own_does(tmp_path: Path, changes: dict[str, str]):
    """For the same case the same crop, so that images can be compared."""
    wide = [job(tmp_path, case, "two men", people=2) for case in ("one case", "another case")]
    wide = [replace(task, job=replace(task.job, canvas=(1600, 900))) for task in wide]
    stand_ins = write_modules(tmp_path / "modules", WITHANYONE)
    replies, calls = run_worker("withanyone-upstream", stand_ins, wide, tmp_path, **changes)
    parameters = settings_of(card_of("withanyone"), changes).parameters
    for task, call in zip(wide, of(calls, "call"), strict=True):
        theirs = replace(task.job, case=opaque_case(task.job), parameters=parameters)
        expected = boxes_on_canvas(theirs, parameters["width"], parameters["height"])
        assert call["bboxes"] == ([[list(box) for box in expected]] if expected else None)
        assert replies[task.job.case].boxes == (tuple(expected) if expected else None)


def test_withanyone_upstream_has_the_parameters_of_idbenchs_own():
    own, upstream = card_of("withanyone").parameters, card_of("withanyone-upstream").parameters
    assert upstream == {name: one for name, one in own.items() if name not in ("dtype", "compile")}
