"""The worker for DreamO."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("turbo", [True, False])
def test_dreamo_finds_its_weights_in_models(run, turbo: bool):
    _, calls = run("dreamo", {"case": "one", "prompt": "someone reads"}, turbo=str(turbo).lower())
    expected = ["BEN2_Base.pth", "dreamo.safetensors", "dreamo_cfg_distill.safetensors"]
    expected += ["v1.1/dreamo_dpo_lora.safetensors", "v1.1/dreamo_sft_lora.safetensors"]
    expected += ["diffusion_pytorch_model.safetensors"] * turbo
    (load,) = calls["load"]
    assert load["models"] == sorted(expected) and load["offline"] == "1"
    assert (load["version"], load["quant"], load["offload"]) == ("v1.1", "none", False)
    assert calls["load_dreamo_model"] == [{"turbo": turbo, "version": "v1.1"}]
    assert calls["pipeline"][0]["place"].endswith("weights/base")
    assert calls["call"][0]["first_guidance"] == 4.5 and calls["pre_condition"] == [{"resolution": 512}]


@pytest.mark.parametrize("task", ["id", "ip"])
def test_dreamo_refuses_a_reference_without_a_face_where_it_needs_one(run, task: str):
    replies, calls = run("dreamo", {"case": "three", "prompt": "they laugh", "people": 3}, task=task)
    if task == "ip":
        assert replies["three"].outcome == "generated" and calls["call"][0]["tasks"] == ["ip"] * 3
    else:
        assert (replies["three"].outcome, replies["three"].error) == ("refused", "no face found in a reference")
