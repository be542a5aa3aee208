"""The worker for OmniGen2."""

from __future__ import annotations


def test_omnigen2_keeps_the_size_asked_for(run):
    _, calls = run("omnigen2", {"case": "one", "prompt": "someone reads"}, image_guidance="2.8", dtype="float32")
    (call,) = calls["call"]
    assert (
        call["align_res"] is False and call["image_guidance"] == 2.8 and call["negative"].startswith("(((deformed)))")
    )
    assert calls["load"][0]["trusted"] and calls["load"][0]["dtype"] == "torch.float32"
    assert calls["transformer"][0]["subfolder"] == "transformer"
    assert calls["to"] == [{"device": "cpu", "transformer": "OmniGen2Transformer2DModel"}]
