"""The workers for UNO, USO and UMO, which share their code."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stand_in_repositories import STAND_INS


@pytest.mark.parametrize("name", ["uno", "umo", "uso"])
def test_references_are_prepared_at_the_size_their_number_asks_for(run, name: str):
    counts = (1,) if name == "uso" else (1, 2, 3)
    _, calls = run(name, *({"case": str(n), "prompt": "they laugh", "people": n} for n in counts))
    sides = {"uno": (512, 320, 256), "umo": (512, 320, 320), "uso": (512,)}[name]
    expected = [side for count, side in zip(counts, sides, strict=True) for _ in range(count)]
    assert [call["longest"] for call in calls["preprocess_ref"]] == expected


@pytest.mark.parametrize(("name", "rank"), [("uno", 512), ("uso", 128), ("umo", 512)])
def test_weights_of_uno_uso_and_umo_go_through_the_environment(run, name: str, rank: int):
    _, calls = run(name, {"case": name, "prompt": "someone reads"})
    (load,) = calls["load"]
    assert (load["model_type"], load["device"], load["only_lora"], load["rank"]) == ("flux-dev", "cpu", True, rank)
    assert load["offline"] == "1" and load["FLUX_DEV"].endswith("weights/flux/flux1-dev.safetensors")
    assert load["AE"].endswith("ae.safetensors") and load["LORA"].endswith("dit_lora.safetensors")
    assert load["T5"].endswith("weights/t5") and load["CLIP"].endswith("weights/clip")
    assert (load["PROJECTION_MODEL"] or "").endswith("projector.safetensors") == (name == "uso")
    replaced = [call["place"].rpartition("/")[2] for call in calls.get("load_ckpt", [])]
    assert replaced == (["UMO_UNO.safetensors"] if name == "umo" else [])


def test_uso_refuses_a_second_person(run):
    replies, calls = run("uso", {"case": "two", "prompt": "they laugh", "people": 2})
    assert replies["two"].outcome == "refused" and "one content reference" in replies["two"].error
    assert "call" not in calls


def test_umo_says_that_its_submodule_is_absent(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(STAND_INS, "umo", {"projects.empty": ""})
    replies, _ = run("umo", {"case": "one", "prompt": "someone reads"})
    assert "UMO's submodule UNO is not at" in replies["one"].error
