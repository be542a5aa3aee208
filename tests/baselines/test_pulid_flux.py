"""The worker for PuLID-FLUX."""

from __future__ import annotations

from pathlib import Path

from support.worker_checks import check, of, roles_of, tasks
from support.worker_stand_ins import COLOURS, run_worker, write_modules


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
