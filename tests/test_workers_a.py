"""Workers for WithAnyone's published code, InstantID, PuLID-FLUX, InfiniteYou, PhotoMaker and UniPortrait.

Each runs as a child process against modules with the names and signatures of its repository.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from worker_stand_ins import COLOURS, job, run_worker, write_modules

from idbench.images import decode
from idbench.models.carded import settings_of
from idbench.models.cards import baselines_folder, card_of
from idbench.models.processes import Task
from idbench.models.replies import Reply
from idbench.models.withanyone.adapter import boxes_on_canvas

TORCH = """
    float16, bfloat16 = "float16", "bfloat16"
    class device(str): pass
    class cuda: is_available = staticmethod(lambda: False)
    class Generator:
        def __init__(self, device="cpu"): pass
        def manual_seed(self, seed): self.seed = seed; return self
        def initial_seed(self): return self.seed
    class Tensor(list):
        def to(self, *where): return self
    def tensor(data): return data
    def from_numpy(ndarray): return ndarray
    def stack(tensors): return Tensor(tensors)
"""

FACES = """
    import numpy as np
    from stand_in import record
    class Face(dict):
        __getattr__ = dict.__getitem__
    class FaceAnalysis:
        def __init__(self, name="buffalo_l", root="~/.insightface", allowed_modules=None, **kwargs):
            record("FaceAnalysis", name=name, root=root, modules=allowed_modules)
        def prepare(self, ctx_id, det_thresh=0.5, det_size=(640, 640)): pass
        def get(self, img, max_num=0):
            '''A small and a large face, whose embedding is the photo's colour; none in black photos, and in white
            ones only with a margin.'''
            height, width = img.shape[:2]
            colour = img[height // 2, width // 2]
            if not colour.any() or (colour.all() and colour.min() == 255 and img[0, 0, 0] == 255): return []
            def face(side, value):
                box = np.array([0, 0, side * width, side * height])
                kps = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.7, 0.7]]) * (width, height)
                return Face(bbox=box, kps=kps, embedding=np.array(value))
            return [face(0.9, colour[::-1]), face(0.1, [0, 0, 0])]
"""

LOAD_IMAGE = """
    from PIL import Image
    def load_image(image): return Image.open(image).convert("RGB")
"""


def tasks(folder: Path, people: int = 1) -> list[Task]:
    """Two good jobs, around one whose photo shows no face and one whose entry point fails."""
    faceless = job(folder / "faceless", "b-faceless", "a man", people)
    for photo in (folder / "faceless" / "photos").iterdir():
        Image.new("RGB", (96, 128)).save(photo)
    last = job(folder, "d", "A woman on a horse", people, seed=8)
    return [job(folder, "a", "a man", people), faceless, job(folder, "c-fails", "a man must fail", people), last]


def check(replies: dict[str, Reply], asked: list[Task]) -> None:
    """Good jobs gave an image in its place, the others a reason."""
    assert [replies[task.job.case].outcome.removeprefix("generation_") for task in asked] == [
        "generated",
        "failed",
        "failed",
        "generated",
    ], replies
    assert all(decode(asked[i].output.read_bytes()).shape[2] == 3 for i in (0, 3))
    assert "face" in replies["b-faceless"].error and "entry point fails" in replies["c-fails"].error
    assert not any(asked[i].output.exists() for i in (1, 2))


def of(calls: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    return [call for call in calls if call["what"] == what]


def roles_of(places: list[str]) -> list[str]:
    """Which of a card's weights lie at these places."""
    return [place.partition("/weights/")[2].partition("/")[0] for place in places]


def module_of(name: str) -> ModuleType:
    """A worker's module, whose heavy imports lie in its functions."""
    path = baselines_folder() / name / "worker.py"
    spec = importlib.util.spec_from_file_location(f"worker_{name.replace('-', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        theirs = replace(task.job, parameters=parameters)
        expected = boxes_on_canvas(theirs, parameters["width"], parameters["height"])
        assert call["bboxes"] == ([[list(box) for box in expected]] if expected else None)
        assert replies[task.job.case].boxes == (tuple(expected) if expected else None)


def test_withanyone_upstream_has_the_parameters_of_idbenchs_own():
    own, upstream = card_of("withanyone").parameters, card_of("withanyone-upstream").parameters
    assert upstream == {name: one for name, one in own.items() if name not in ("dtype", "compile")}


def test_instantid_draws_the_largest_face_where_the_fitted_reference_has_it(tmp_path: Path):
    modules = {
        "torch": TORCH,
        "insightface.app": FACES,
        "diffusers.utils": LOAD_IMAGE,
        "diffusers.models": """
            from stand_in import record
            class ControlNetModel:
                @classmethod
                def from_pretrained(cls, place, torch_dtype=None):
                    record("ControlNetModel", place=place)
                    return cls()
        """,
        "infer": """
            def resize_img(input_image, max_side=1280, min_side=1024, size=None, pad_to_max_side=False, mode=2,
                           base_pixel_number=64):
                return input_image.resize((960, 1280))
        """,
        "pipeline_stable_diffusion_xl_instantid": """
            from types import SimpleNamespace
            from stand_in import picture, record
            def draw_kps(image_pil, kps, color_list=()):
                record("draw_kps", size=image_pil.size, kps=kps)
                return image_pil
            class StableDiffusionXLInstantIDPipeline:
                @classmethod
                def from_pretrained(cls, place, controlnet, torch_dtype=None):
                    record("base", place=place, dtype=torch_dtype)
                    return cls()
                def to(self, device): record("to", device=device)
                def load_ip_adapter_instantid(self, model_ckpt, image_emb_dim=512, num_tokens=16, scale=0.5):
                    record("adapter", place=model_ckpt)
                def __call__(self, prompt=None, prompt_2=None, image=None, height=None, width=None,
                             num_inference_steps=50, guidance_scale=5.0, negative_prompt=None,
                             num_images_per_prompt=1, generator=None, image_embeds=None, output_type="pil",
                             controlnet_conditioning_scale=1.0, ip_adapter_scale=None):
                    record("call", **{name: value for name, value in locals().items() if name != "self"})
                    return SimpleNamespace(images=[picture(prompt, width, height)])
        """,
    }
    asked = tasks(tmp_path)
    replies, calls = run_worker("instantid", write_modules(tmp_path / "modules", modules), asked, tmp_path)
    check(replies, asked)
    (faces,), (net,), (adapter,) = of(calls, "FaceAnalysis"), of(calls, "ControlNetModel"), of(calls, "adapter")
    assert faces["name"].endswith("weights/arcface/antelopev2") and net["place"].endswith("weights/identitynet")
    assert adapter["place"].endswith("ip-adapter.bin") and of(calls, "to")[0]["device"] == "cpu"
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["generator"], first["image_embeds"]) == ("a man", 7, list(COLOURS[0]))
    assert (last["prompt"], last["generator"]) == ("A woman on a horse", 8)
    assert (first["width"], first["height"], first["num_inference_steps"], first["guidance_scale"]) == (
        1024,
        1024,
        30,
        5.0,
    )
    assert (first["controlnet_conditioning_scale"], first["ip_adapter_scale"]) == (0.8, 0.8)
    assert first["negative_prompt"].startswith("(lowres")
    pose = of(calls, "draw_kps")[0]
    assert pose["size"] == [1024, 1024]  # 960 x 1280 becomes 768 x 1024, 128 from the left
    assert pose["kps"][2] == pytest.approx([512, 512]) and pose["kps"][0] == pytest.approx(
        [128 + 0.3 * 768, 0.3 * 1024]
    )


def test_pulid_flux_finds_its_weights_where_it_looks(tmp_path: Path):
    modules = {
        "eva_clip.pretrained": "def hf_hub_download(repo_id, filename): raise OSError('no network')",
        "pulid.pipeline_flux": """
            def snapshot_download(repo_id, local_dir=None): raise OSError("no network")
            def hf_hub_download(repo_id, filename, local_dir=None): raise OSError("no network")
        """,
        "app_flux": """
            from pathlib import Path
            import eva_clip.pretrained
            import pulid.pipeline_flux
            from stand_in import picture, record
            PLACES = ("models/flux1-dev.safetensors", "models/ae.safetensors", "models/antelopev2",
                      "xlabs-ai/xflux_text_encoders", "openai/clip-vit-large-patch14")
            class FluxGenerator:
                def __init__(self, model_name, device, offload, aggressive_offload, args):
                    pulid.pipeline_flux.snapshot_download("DIAMONIK7777/antelopev2", local_dir="models/antelopev2")
                    pulid.pipeline_flux.hf_hub_download("guozinan/PuLID", args.version, local_dir="models")
                    places = [str(Path(place).resolve(strict=True)) for place in PLACES]
                    eva = eva_clip.pretrained.hf_hub_download("QuanSun/EVA-CLIP", "EVA02.pt")
                    record("load", name=model_name, device=device, offload=[offload, aggressive_offload],
                           options=[args.fp8, args.onnx_provider, args.version], places=[*places, eva, args.pretrained_model])
                def generate_image(self, width, height, num_steps, start_step, guidance, seed, prompt, id_image=None,
                                   id_weight=1.0, neg_prompt="", true_cfg=1.0, timestep_to_start_cfg=1,
                                   max_sequence_length=128):
                    if not id_image.any(): raise RuntimeError("facexlib align face fail")
                    record("call", colour=id_image[0, 0], settings=[width, height, num_steps, start_step, guidance, id_weight,
                           max_sequence_length, true_cfg], seed=seed, prompt=prompt)
                    return picture(prompt, width, height), str(seed), []
        """,
    }
    asked = tasks(tmp_path)
    replies, calls = run_worker("pulid-flux", write_modules(tmp_path / "modules", modules), asked, tmp_path)
    check(replies, asked)
    (load,) = of(calls, "load")
    assert roles_of(load["places"]) == ["flux", "autoencoder", "arcface", "t5", "clip", "eva_clip", "pulid"]
    assert (load["name"], load["device"], load["offload"]) == ("flux-dev", "cpu", [False, False])
    assert load["options"] == [False, "gpu", "v0.9.1"]
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["seed"], first["colour"]) == ("a man", 7, list(COLOURS[0]))
    assert first["settings"] == [896, 1152, 20, 0, 4.0, 1.0, 128, 1.0]
    assert (last["prompt"], last["seed"]) == ("A woman on a horse", 8)


def test_infiniteyou_is_given_the_reference_and_no_pose(tmp_path: Path):
    modules = {
        "pipelines.pipeline_infu_flux": """
            import os
            from pathlib import Path
            from stand_in import picture, record
            class InfUFluxPipeline:
                def __init__(self, base_model_path, infu_model_path, insightface_root_path="./", image_proj_num_tokens=8,
                             infu_flux_version="v1.0", model_version="aes_stage2"):
                    names = [Path(infu_model_path) / "image_proj_model.bin", Path(infu_model_path) / "InfuseNetModel",
                             Path(insightface_root_path) / "models" / "antelopev2"]
                    record("load", places=[base_model_path, *(str(name.resolve(strict=True)) for name in names)],
                           version=[infu_flux_version, model_version], offline=os.environ["HF_HUB_OFFLINE"])
                def __call__(self, id_image, prompt, control_image=None, width=864, height=1152, seed=42,
                             guidance_scale=3.5, num_steps=30, infusenet_conditioning_scale=1.0,
                             infusenet_guidance_start=0.0, infusenet_guidance_end=1.0):
                    if not any(id_image.getpixel((5, 5))): raise ValueError("No face detected in the input ID image")
                    record("call", **{name: value for name, value in locals().items() if name != "self"})
                    return picture(prompt, width, height)
        """,
    }
    asked = tasks(tmp_path)
    stand_ins = write_modules(tmp_path / "modules", modules)
    replies, calls = run_worker("infiniteyou", stand_ins, asked, tmp_path, steps="9", infusenet_start="0.1")
    check(replies, asked)
    (load,) = of(calls, "load")
    assert roles_of(load["places"]) == ["base", "projection", "infusenet_1", "arcface"]
    assert load["version"] == ["v1.0", "aes_stage2"] and load["offline"] == "1"
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["seed"], first["id_image"]) == ("a man", 7, list(COLOURS[0]))
    assert (first["width"], first["height"], first["num_steps"], first["guidance_scale"]) == (864, 1152, 9, 3.5)
    assert (first["infusenet_guidance_start"], first["control_image"]) == (0.1, None)
    assert (last["prompt"], last["seed"]) == ("A woman on a horse", 8)


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


UNIPORTRAIT = {
    "torch": TORCH,
    "insightface.app": FACES,
    "insightface.utils.face_align": """
        from stand_in import record
        def norm_crop(img, landmark, image_size=112, mode="arcface"):
            record("norm_crop", landmark=landmark[2], size=image_size)
            return img[:8, :8].copy()
    """,
    "diffusers.utils": LOAD_IMAGE,
    "diffusers.all": """
        class AutoencoderKL:
            @classmethod
            def from_pretrained(cls, place): return cls()
            def to(self, dtype=None): return self
        class DDIMScheduler:
            def __init__(self, num_train_timesteps, beta_start, beta_end, beta_schedule, clip_sample, set_alpha_to_one,
                         steps_offset): pass
        class StableDiffusionPipeline:
            @classmethod
            def from_pretrained(cls, place, torch_dtype=None, scheduler=None, vae=None): return cls()
    """,
    "uniportrait.uniportrait_attention_processor": """
        class AttentionArgs:
            def reset(self): self.__dict__.clear()
        attn_args = AttentionArgs()
    """,
    "uniportrait.uniportrait_pipeline": """
        from stand_in import picture, record
        from .uniportrait_attention_processor import attn_args
        class UniPortraitPipeline:
            def __init__(self, sd_pipe, image_encoder_path, ip_ckpt=None, face_backbone_ckpt=None,
                         uniportrait_faceid_ckpt=None, uniportrait_router_ckpt=None, num_ip_tokens=4,
                         num_faceid_tokens=16, lora_rank=128, device="cuda", torch_dtype="float16"):
                places = [image_encoder_path, ip_ckpt, face_backbone_ckpt, uniportrait_faceid_ckpt,
                          uniportrait_router_ckpt]
                record("load", places=places)
            def generate(self, prompt=None, negative_prompt=None, pil_ip_image=None, cond_faceids=None,
                         face_structure_scale=0.0, seed=-1, guidance_scale=7.5, num_inference_steps=30, zT=None,
                         **kwargs):
                record("call", **{name: value for name, value in locals().items() if name != "self"},
                       attention=vars(attn_args))
                return [picture(prompt[0], **kwargs)]
    """,
}


def uniportrait(folder: Path) -> Path:
    stand_ins = write_modules(folder / "modules", UNIPORTRAIT)
    (stand_ins / "diffusers" / "__init__.py").write_text("from .all import *")
    return stand_ins


@pytest.mark.parametrize("people", [1, 2])
def test_uniportrait_takes_one_person_or_several(tmp_path: Path, people: int):
    asked = tasks(tmp_path, people)
    replies, calls = run_worker("uniportrait", uniportrait(tmp_path), asked, tmp_path)
    check(replies, asked)
    (faces,), (load,) = of(calls, "FaceAnalysis"), of(calls, "load")
    assert faces["name"].endswith("buffalo_l") and faces["modules"] == ["detection"]
    assert roles_of(load["places"]) == ["image_encoder", "ip_adapter", "face_backbone", "faceid", "router"]
    first, last = of(calls, "call")[0], of(calls, "call")[-1]
    assert (first["prompt"], first["seed"], first["negative_prompt"]) == (["a man"], 7, ["nsfw"])
    assert (last["prompt"], last["seed"]) == (["A woman on a horse"], 8)
    assert [one["refs"] for one in first["cond_faceids"]] == [[list(colour)] for colour in COLOURS[:people]]
    assert first["kwargs"] == {"width": 512, "height": 512}
    assert (first["guidance_scale"], first["num_inference_steps"]) == (7.5, 25)
    assert first["face_structure_scale"] == (0.1 if people == 1 else 0.3)
    scales = {"lora_scale": float(people == 1), "multi_id_lora_scale": float(people > 1)}
    assert first["attention"] == scales | {"faceid_scale": 0.7, "num_faceids": people}
    assert of(calls, "norm_crop")[0] == {"what": "norm_crop", "landmark": [48.0, 64.0], "size": 224}


def test_uniportrait_finds_a_face_that_fills_its_photo(tmp_path: Path):
    """With a margin, and the landmarks are moved back by it."""
    task = job(tmp_path, "a", "a man")
    Image.new("RGB", (96, 128), "white").save(tmp_path / "photos" / "0.png")
    replies, calls = run_worker("uniportrait", uniportrait(tmp_path), [task], tmp_path)
    assert replies["a"].outcome == "generated", replies
    assert of(calls, "norm_crop")[0]["landmark"] == [48.0, 64.0]
