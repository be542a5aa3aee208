"""XVerse as a worker.

Repository https://github.com/bytedance/XVerse at 6b9e00c53bb7d94d47067b5823459229d051e1a3. Written against
`generate_from_test_sample` of src/flux/generate.py, loaded and called as inference_single_sample.py does for people.

XVerse ties every reference to words of the prompt, and prompts of the benchmark do not name the references. So the
prompt is preceded by words for each: "a person: ..." or "the first person and the second person: ...".
"""

import os
import tempfile
from pathlib import Path

from idbench_worker import serve

CONFIG = "train/config/XVerse_config_demo.yaml"
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def load(hello):
    places = hello["weights"]
    os.environ.update(HF_HUB_OFFLINE="1", FLUX_MODEL_PATH=places["base"], CLIP_MODEL_PATH=places["clip"])
    import torch
    from src.flux.pipeline_tools import CustomFluxPipeline, load_dit_lora, load_modulation_adapter
    from src.utils.data_utils import get_train_config

    device, dtype = torch.device(hello["device"]), torch.bfloat16
    config_path = str(Path(os.environ["IDBENCH_REPOSITORY"], CONFIG))
    config = get_train_config(config_path)
    config["model"]["dit_quant"] = hello["parameters"]["quantisation"]
    config["model"]["use_dit_lora"] = False  # loaded below
    model = CustomFluxPipeline(config, device, torch_dtype=dtype)
    model.config = config = get_train_config(config_path)
    model.clear_modulation_adapters()
    model.pipe.unload_lora_weights()
    with tempfile.TemporaryDirectory() as folder:
        adapter = Path(folder, "modulation_adapter")
        adapter.mkdir()
        (adapter / "config.json").symlink_to(places["adapter_config"])
        (adapter / "diffusion_pytorch_model.safetensors").symlink_to(places["adapter"])
        Path(folder, "pytorch_lora_weights.safetensors").symlink_to(places["lora"])
        model.add_modulation_adapter(
            load_modulation_adapter(model, config, dtype, device, str(adapter), is_training=False)
        )
        if config["model"]["use_dit_lora"]:
            load_dit_lora(model, model.pipe, config, dtype, device, folder, is_training=False)
    return model, device


def captions(count):
    """Words for each reference, all different."""
    return ["a person"] if count == 1 else [f"the {ORDINALS[i]} person" for i in range(count)]


def generate(loaded, job):
    from src.flux.generate import generate_from_test_sample

    model, device = loaded
    chosen, people = job["parameters"], job["people"]
    words = captions(len(people))
    sources = [{"image_path": person["references"][0], "caption": words[i]} for i, person in enumerate(people)]
    tied = [(i, word.removeprefix("a "), word.removeprefix("a ")) for i, word in enumerate(words)]
    sample = {
        "input_images": [],
        "position_delta": [0, -32],
        "prompt": f"{' and '.join(words)}: {job['prompt']}",
        "modulation": [{"type": "adapter", "src_inputs": sources, "use_words": tied}],
    }
    width, height = chosen["width"], chosen["height"]
    sizes = model.config["train"]["dataset"]
    sizes["val_condition_size"] = chosen["condition_size"]
    sizes["val_target_size"] = int(round((width * height) ** 0.5) // 16 * 16)
    return generate_from_test_sample(
        sample,
        model.pipe,
        model.config,
        num_images=1,
        target_height=height,
        target_width=width,
        seed=job["seed"],
        vae_skip_iter=f"0-{chosen['skip_before']}:1,{chosen['skip_after']}-1:1",
        control_weight_lambda="0-1:1" + f"/{chosen['id_weight']}" * len(people),
        double_attention=False,
        single_attention=True,
        use_latent_sblora_control=True,
        latent_sblora_scale=f"0-1:{chosen['latent_lora_scale']}",
        use_condition_sblora_control=True,
        condition_sblora_scale=f"0-1:{chosen['vae_lora_scale']}",
        device=device,
        num_inference_steps=chosen["steps"],
        guidance_scale=chosen["guidance"],
    )


if __name__ == "__main__":
    serve(load, generate)
