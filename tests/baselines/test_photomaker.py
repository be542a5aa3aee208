"""The worker for PhotoMaker."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stand_in_libraries import FACES, LOAD_IMAGE, TORCH
from support.worker_checks import check, module_of, of, tasks
from support.worker_stand_ins import COLOURS, run_worker, write_modules

from idbench.models.cards import baselines_folder


def test_photomaker_is_given_its_trigger_word(tmp_path: Path):
    modules = {
        "torch": TORCH,
        "insightface.app": FACES,
        "diffusers.utils": LOAD_IMAGE,
        "diffusers.schedulers": "class EulerDiscreteScheduler:\n    from_config = classmethod(lambda cls, config: 'euler')",
        "photomaker.parts": """
            from types import SimpleNamespace
            from insightface.app import FaceAnalysis
            from stand_in import picture, record
            class FaceAnalysis2(FaceAnalysis):
                def get(self, img, max_num=0, det_size=(640, 640)): return super().get(img, max_num)
            def analyze_faces(face_analysis, img_data, det_size=(640, 640)): return face_analysis.get(img_data)
            class PhotoMakerStableDiffusionXLPipeline:
                scheduler = SimpleNamespace(config={})
                @classmethod
                def from_pretrained(cls, place, torch_dtype=None): return cls()
                def to(self, device): return self
                def load_photomaker_adapter(self, pretrained_model_name_or_path_or_dict, weight_name, subfolder="",
                                            trigger_word="img", pm_version="v2", **kwargs):
                    record("adapter", place=pretrained_model_name_or_path_or_dict, name=weight_name,
                           about=[trigger_word, pm_version], rest=kwargs)
                def fuse_lora(self): record("fused")
                def __call__(self, prompt=None, prompt_2=None, height=None, width=None, num_inference_steps=50,
                             guidance_scale=5.0, negative_prompt=None, num_images_per_prompt=1, generator=None,
                             input_id_images=None, start_merge_step=10, id_embeds=None):
                    record("call", **{name: value for name, value in locals().items() if name != "self"},
                           scheduler=self.scheduler)
                    return SimpleNamespace(images=[picture(prompt, width, height)])
        """,
    }
    stand_ins = write_modules(tmp_path / "modules", modules)
    (stand_ins / "photomaker" / "__init__.py").write_text("from .parts import *")
    (stand_ins / "diffusers" / "__init__.py").write_text("from .schedulers import EulerDiscreteScheduler")
    asked = tasks(tmp_path)
    replies, calls = run_worker("photomaker", stand_ins, asked, tmp_path)
    check(replies, asked)
    (adapter,) = of(calls, "adapter")
    assert adapter["place"].endswith("weights/adapter") and adapter["name"] == "photomaker-v2.bin"
    assert adapter["about"] == ["img", "v2"] and not adapter["rest"] and of(calls, "fused")
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], last["prompt"]) == ("a man img", "A woman img on a horse")
    assert (first["generator"], last["generator"], first["scheduler"]) == (7, 8, "euler")
    assert first["id_embeds"] == first["input_id_images"] == [list(COLOURS[0])]
    assert (first["width"], first["height"], first["num_inference_steps"]) == (1024, 1024, 50)
    assert (first["guidance_scale"], first["start_merge_step"]) == (5.0, 10)
    assert first["negative_prompt"].startswith("(asymmetry")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A Woman, 30, in the rain with a man", "A Woman img, 30, in the rain with a man"),
        ("humans and a mandolin", "a person img, humans and a mandolin"),
        ("portrait of a man img in snow", "portrait of a man img in snow"),
        ("", "a person img, "),
    ],
)
def test_the_trigger_word_follows_the_first_word_for_a_person(monkeypatch, prompt: str, expected: str):
    monkeypatch.syspath_prepend(str(baselines_folder()))
    assert module_of("photomaker").with_trigger(prompt) == expected
