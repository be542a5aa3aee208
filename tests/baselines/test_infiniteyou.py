"""The worker for InfiniteYou."""

from __future__ import annotations

from pathlib import Path

from support.worker_checks import check, of, roles_of, tasks
from support.worker_stand_ins import COLOURS, run_worker, write_modules


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
