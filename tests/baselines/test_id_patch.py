"""The worker for ID-Patch."""

from __future__ import annotations

from typing import Any

import pytest


def test_id_patch_makes_a_pose_of_the_boxes(run):
    _, calls = run("id-patch", {"case": "two", "prompt": "they laugh", "people": 2}, width="1024", height="512")
    (draw,), (call,), (load,) = calls["draw"], calls["call"], calls["load"]
    assert draw["canvas"] == [512, 1024, 3] and [sum(scores) for scores in draw["scores"]] == [7, 7]
    scale, left = 512 / 1000, (1024 - 512) / 2  # a square canvas fitted into a wide image
    nose, left_eye, right_eye = draw["joints"][0][:3]
    assert nose == pytest.approx([200 * scale + left, (200 + 0.6 * 240) * scale]) and left_eye[0] > right_eye[0]
    assert call["places"] == [joints[0] for joints in draw["joints"]]
    assert (call["pose"], call["ratio"]) == (0.8, 0.8) and call["negative"].startswith("nude, worst quality")
    assert load["identity"].endswith("weights/identity/id-patch.bin") and load["dtype"] == "torch.bfloat16"
    assert [place.rpartition("/")[2] for place in load["control"]] == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
    ]
    assert calls["encoder"] == [{"model_name": "arcface", "device": "cpu"}]


@pytest.mark.parametrize(
    ("job", "reason"), [({"boxes": False}, "this case has no boxes"), ({"people": 3}, "no face found in a reference")]
)
def test_id_patch_refuses_what_it_cannot_place_or_recognise(run, job: dict[str, Any], reason: str):
    replies, _ = run("id-patch", {"case": "x", "prompt": "they laugh"} | job, {"case": "y", "prompt": "someone reads"})
    assert replies["x"].outcome == "refused" and reason in replies["x"].error
    assert replies["y"].outcome == "generated"
