"""Which files of a repository are weights."""

from __future__ import annotations

from idbench.models.cards import Weights
from idbench.models.downloads import _wanted


def test_what_is_fetched_leaves_copies_and_pickles_alone():
    need = Weights(role="base", form="pipeline", hub="a/b", gigabytes=1, licence="x")
    wanted = ["model_index.json", "vae/config.json", "transformer/a-1.safetensors", "tokenizer/merges.txt"]
    others = ["flux1-dev.safetensors", "vae/model.bin", "unet/model.fp16.safetensors", "README.md", "a.png"]
    assert [name for name in wanted + others if _wanted(need, name)] == wanted
    one = need.model_copy(update={"form": "file", "file": "x.safetensors"})
    assert [name for name in ("x.safetensors", "y.safetensors") if _wanted(one, name)] == ["x.safetensors"]
