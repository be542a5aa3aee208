"""Stand-ins for ID-Patch, DreamO, UNO, USO, UMO, OmniGen2 and XVerse, with their repositories' signatures."""

from __future__ import annotations

TORCH = {
    "torch": """
        from contextlib import nullcontext as inference_mode

        bfloat16, float32, device = "torch.bfloat16", "torch.float32", str

        class cuda:
            is_available = staticmethod(lambda: False)

        class Generator:
            def __init__(self, device="cpu"):
                pass

            def manual_seed(self, seed):
                self.initial_seed = lambda: seed
                return self
    """
}
"""What workers want of torch: importing the real one takes longer than all the rest. ID-Patch computes with it."""


UXO = """
import os
from stand_in import picture, record

def preprocess_ref({preprocess}):
    record("preprocess_ref", photo=raw_image, longest=long_size)
    return raw_image.convert("RGB").resize((16, 16))

class {name}:
    def __init__(self, model_type, device, offload=False, only_lora=False, lora_rank=16{init}):
        record("load", model_type=model_type, device=device, offload=offload, only_lora=only_lora, rank=lora_rank,
               offline=os.environ["HF_HUB_OFFLINE"], **{{k: os.environ.get(k) for k in
               ("FLUX_DEV", "AE", "T5", "CLIP", "LORA", "PROJECTION_MODEL")}})
        self.model = self

    def load_ckpt(self, ckpt_path):
        record("load_ckpt", place=ckpt_path)

    def to(self, device):
        record("to", device=device)

    def __call__(self, prompt, width=512, height=512, guidance=4, num_steps=50, seed=123456789, **kwargs):
        return self.forward(prompt, width, height, guidance, num_steps, seed, **kwargs)

    def forward(self, prompt, width, height, guidance, num_steps, seed, ref_imgs=None, pe="d"{forward}):
        record("call", prompt=prompt, width=width, height=height, guidance=guidance, steps=num_steps, seed=seed,
               references=ref_imgs, pe=pe)
        return picture(prompt, width, height)
"""


UNO = UXO.format(name="UNOPipeline", preprocess="raw_image, long_size=512", init="", forward="")


USO = UXO.format(
    name="USOPipeline",
    preprocess="raw_image, long_size=512, scale_ratio=1",
    init=", hf_download=True",
    forward=", siglip_inputs=None",
)


OMNIGEN2 = {
    "omnigen2.models.transformers.transformer_omnigen2": """
        from stand_in import record

        class OmniGen2Transformer2DModel:
            @classmethod
            def from_pretrained(cls, place, subfolder=None, torch_dtype=None):
                record("transformer", place=place, subfolder=subfolder, dtype=torch_dtype)
                return cls()
    """,
    "omnigen2.pipelines.omnigen2.pipeline_omnigen2": """
        from types import SimpleNamespace
        from stand_in import picture, record

        class OmniGen2Pipeline:
            @classmethod
            def from_pretrained(cls, place, torch_dtype=None, trust_remote_code=False):
                record("load", place=place, dtype=torch_dtype, trusted=trust_remote_code)
                return cls()

            def to(self, device):
                record("to", device=device, transformer=type(self.transformer).__name__)
                return self

            def __call__(self, prompt=None, negative_prompt=None, prompt_embeds=None, negative_prompt_embeds=None,
                         prompt_attention_mask=None, negative_prompt_attention_mask=None, max_sequence_length=None,
                         callback_on_step_end_tensor_inputs=None, input_images=None, num_images_per_prompt=1,
                         height=None, width=None, max_pixels=1024 * 1024, max_input_image_side_length=1024,
                         align_res=True, num_inference_steps=28, text_guidance_scale=4.0, image_guidance_scale=1.0,
                         cfg_range=(0.0, 1.0), attention_kwargs=None, timesteps=None, generator=None, latents=None,
                         output_type="pil", return_dict=True, verbose=False, step_func=None):
                record("call", prompt=prompt, width=width, height=height, guidance=text_guidance_scale,
                       image_guidance=image_guidance_scale, steps=num_inference_steps, seed=generator,
                       references=input_images, align_res=align_res, negative=negative_prompt)
                return SimpleNamespace(images=[picture(prompt, width, height)])
    """,
}


DREAMO = {
    "dreamo_generator": """
        import os
        from stand_in import record

        def get_device(device):
            return device

        class Generator:
            def __init__(self, **args):
                self.version = args.pop("version", "v1.1")
                self.offload = args.pop("offload", True)
                self.no_turbo = args.pop("no_turbo", False)
                self.quant = args.pop("quant", "none")
                self.device = get_device(args.pop("device", "auto"))
                found = sorted(os.path.join(at, name)[7:] for at, _, names in os.walk("models") for name in names)
                record("load", version=self.version, offload=self.offload, quant=self.quant, models=found,
                       offline=os.environ["HF_HUB_OFFLINE"])
                self.dreamo_pipeline_init_default()

            def dreamo_pipeline_init_default(self):
                raise AssertionError("loads the pipeline by itself")

            def get_align_face(self, img):
                return None if img[0, 0].tolist() == [40, 40, 200] else img

            def pre_condition(self, ref_images, ref_tasks, ref_res, seed):
                assert len(ref_images) == len(ref_tasks)
                conditions = []
                for i, (image, task) in enumerate(zip(ref_images, ref_tasks)):
                    image = self.get_align_face(image) if task == "id" else image
                    conditions.append({"img": image[0, 0], "task": task, "idx": i + 1})
                record("pre_condition", resolution=ref_res)
                return conditions, [], int(seed)
    """,
    "dreamo.dreamo_pipeline": """
        from types import SimpleNamespace
        from stand_in import picture, record

        class DreamOPipeline:
            @classmethod
            def from_pretrained(cls, place, torch_dtype=None):
                record("pipeline", place=place, dtype=torch_dtype)
                return cls()

            def load_dreamo_model(self, device, use_turbo=True, version="v1.1"):
                record("load_dreamo_model", turbo=use_turbo, version=version)

            def to(self, device):
                return self

            def __call__(self, prompt=None, prompt_2=None, negative_prompt=None, negative_prompt_2=None,
                         true_cfg_scale=1.0, true_cfg_start_step=1, true_cfg_end_step=1, height=None, width=None,
                         num_inference_steps=28, sigmas=None, guidance_scale=3.5, neg_guidance_scale=3.5,
                         num_images_per_prompt=1, generator=None, latents=None, prompt_embeds=None,
                         pooled_prompt_embeds=None, negative_prompt_embeds=None, negative_pooled_prompt_embeds=None,
                         output_type="pil", return_dict=True, joint_attention_kwargs=None, callback_on_step_end=None,
                         callback_on_step_end_tensor_inputs=("latents",), max_sequence_length=512, ref_conds=None,
                         first_step_guidance_scale=3.5):
                record("call", prompt=prompt, width=width, height=height, guidance=guidance_scale,
                       first_guidance=first_step_guidance_scale, steps=num_inference_steps, seed=generator,
                       references=[one["img"] for one in ref_conds], tasks=[one["task"] for one in ref_conds])
                return SimpleNamespace(images=[picture(prompt, width, height)])
    """,
}


ID_PATCH = {
    "tensorflow": """
        class config:
            @staticmethod
            def set_visible_devices(devices, device_type=None):
                assert devices == [] and device_type == "GPU"
    """,
    "mtcnn": """
        class MTCNN:
            def detect_faces(self, img):
                if img[0, 0].tolist() == [40, 40, 200]:
                    return []
                names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
                return [{"box": [0, 0, 9, 9], "keypoints": {name: (i, i) for i, name in enumerate(names)}}]
    """,
    "insightface.utils.face_align": """
        def norm_crop(img, landmark, image_size=112, mode="arcface"):
            assert landmark.shape == (5, 2)
            return img[:1, :1].repeat(image_size, 0).repeat(image_size, 1)
    """,
    "facexlib.recognition": """
        from stand_in import record

        def init_recognition_model(model_name, half=False, device="cuda", model_rootpath=None):
            record("encoder", model_name=model_name, device=device)
            return lambda pixels: pixels.mean((2, 3))
    """,
    "modules.inferencer": """
        import os
        from stand_in import picture, record

        class IDPatchInferencer:
            def __init__(self, base_model_path, idp_model_path, patch_size=64, torch_device="cuda:0", torch_dtype=None):
                control = os.path.join(idp_model_path, "ControlNetModel")
                record("load", base=base_model_path, device=torch_device, dtype=torch_dtype,
                       identity=os.path.realpath(os.path.join(idp_model_path, "id-patch.bin")),
                       control=[os.path.realpath(os.path.join(control, name)) for name in sorted(os.listdir(control))])

            def generate(self, face_embeds, face_locations, control_image, prompt, negative_prompt="",
                         guidance_scale=5.0, num_inference_steps=50, controlnet_conditioning_scale=0.8,
                         id_injection_ratio=0.8, seed=-1):
                references = [[round((float(v) + 1) * 127.5) for v in one] for one in face_embeds]
                record("call", prompt=prompt, width=control_image.width, height=control_image.height,
                       guidance=guidance_scale, steps=num_inference_steps, seed=seed,
                       references=[one[::-1] for one in references], places=face_locations.tolist(),
                       pose=controlnet_conditioning_scale, ratio=id_injection_ratio, negative=negative_prompt)
                return picture(prompt, control_image.width, control_image.height)
    """,
    "utils.draw_condition": """
        from stand_in import record

        def draw_openpose_from_mmpose(canvas, keypoints, keypoint_scores, kpt_thr=0.3, ignore_individual_points=False):
            record("draw", canvas=list(canvas.shape), joints=keypoints, scores=keypoint_scores)
            return canvas
    """,
}


XVERSE = {
    "src.utils.data_utils": """
        from stand_in import record

        def get_train_config(config_path=None):
            record("config", place=config_path)
            return {"model": {"use_dit_lora": True}, "train": {"dataset": {"val_condition_size": 1, "val_target_size": 2}}}
    """,
    "src.flux.pipeline_tools": """
        import copy, os
        import torch
        from stand_in import record

        class CustomFluxPipeline:
            def __init__(self, config, device=torch.device("cuda"), ckpt_root=None, ckpt_root_condition=None,
                         torch_dtype=torch.bfloat16):
                record("load", model=copy.deepcopy(config["model"]), device=device, dtype=torch_dtype,
                       flux=os.environ["FLUX_MODEL_PATH"], clip=os.environ["CLIP_MODEL_PATH"])
                self.config, self.pipe = config, self

            def clear_modulation_adapters(self):
                self.modulation_adapters = []

            def unload_lora_weights(self):
                pass

            def add_modulation_adapter(self, modulation_adapter):
                self.modulation_adapters.append(modulation_adapter)

        def load_modulation_adapter(pipeline, config, torch_dtype, device, ckpt_dir=None, is_training=False):
            record("adapter", found={name: os.path.realpath(os.path.join(ckpt_dir, name)) for name in os.listdir(ckpt_dir)})
            return "adapter"

        def load_dit_lora(pipeline, pipe, config, torch_dtype, device, ckpt_dir=None, condition_ckpt_dir=None,
                          is_training=False):
            record("lora", place=os.path.realpath(os.path.join(ckpt_dir, "pytorch_lora_weights.safetensors")))
    """,
    "src.flux.generate": """
        import copy
        from PIL import Image
        from stand_in import picture, record

        def generate_from_test_sample(test_sample, pipe, config, num_images=1, vae_skip_iter=None, target_height=None,
                                      target_width=None, seed=42, control_weight_lambda=None, double_attention=False,
                                      single_attention=False, ip_scale=None, use_latent_sblora_control=False,
                                      latent_sblora_scale=None, use_condition_sblora_control=False,
                                      condition_sblora_scale=None, use_idip=False, device=None,
                                      forward_hook_manager=None, num_inference_steps=28, **kargs):
            assert pipe.modulation_adapters == ["adapter"] and list(kargs) == ["guidance_scale"]
            (modulation,) = test_sample["modulation"]
            record("call", prompt=test_sample["prompt"], width=target_width, height=target_height, seed=seed,
                   guidance=kargs["guidance_scale"], steps=num_inference_steps,
                   references=[Image.open(one["image_path"]) for one in modulation["src_inputs"]],
                   captions=[one["caption"] for one in modulation["src_inputs"]], words=modulation["use_words"],
                   skip=vae_skip_iter, weights=control_weight_lambda, latent=latent_sblora_scale,
                   condition=condition_sblora_scale, sizes=config["train"]["dataset"], device=device)
            return picture(test_sample["prompt"], target_width, target_height)
    """,
}


STAND_INS: dict[str, dict[str, str]] = {
    "id-patch": ID_PATCH,
    "dreamo": TORCH | DREAMO,
    "uno": TORCH | {"uno.flux.pipeline": UNO},
    "uso": TORCH | {"uso.flux.pipeline": USO},
    "umo": TORCH | {"projects.UNO.uno.flux.pipeline": UNO},
    "omnigen2": TORCH | OMNIGEN2,
    "xverse": TORCH | XVERSE,
}
