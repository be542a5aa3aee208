"""The worker for XVerse."""

from __future__ import annotations

from pathlib import Path


def test_xverse_ties_every_reference_to_words_of_its_own(run):
    _, calls = run(
        "xverse",
        {"case": "one", "prompt": "someone reads"},
        {"case": "two", "prompt": "they laugh", "people": 2},
        width="1024",
        id_weight="2",
        quantisation="None",
    )
    one, two = calls["call"]
    assert one["prompt"] == "a person: someone reads" and one["words"] == [[0, "person", "person"]]
    assert two["prompt"] == "the first person and the second person: they laugh"
    assert two["captions"] == ["the first person", "the second person"]
    assert all(caption in two["prompt"] for caption in two["captions"])
    assert (one["weights"], two["weights"]) == ("0-1:1/2.0", "0-1:1/2.0/2.0")
    assert (two["skip"], two["latent"], two["condition"]) == ("0-0.05:1,0.8-1:1", "0-1:0.85", "0-1:1.3")
    assert two["sizes"] == {"val_condition_size": 256, "val_target_size": 880} and two["device"] == "cpu"


def test_xverse_is_loaded_as_its_repository_lays_weights_out(run, tmp_path: Path):
    _, calls = run("xverse", {"case": "one", "prompt": "someone reads"})
    (load,), (adapter,), (lora,) = calls["load"], calls["adapter"], calls["lora"]
    assert load["model"] == {"use_dit_lora": False, "dit_quant": "int8-quanto"} and load["dtype"] == "torch.bfloat16"
    assert load["flux"].endswith("weights/base") and load["clip"].endswith("weights/clip")
    assert adapter["found"] == {
        "config.json": str(tmp_path / "weights" / "adapter_config" / "config.json"),
        "diffusion_pytorch_model.safetensors": str(
            tmp_path / "weights" / "adapter" / "diffusion_pytorch_model.safetensors"
        ),
    }
    assert lora["place"] == str(tmp_path / "weights" / "lora" / "pytorch_lora_weights.safetensors")
    config = str(tmp_path / "stand_ins" / "train" / "config" / "XVerse_config_demo.yaml")
    assert [call["place"] for call in calls["config"]] == [config, config]
