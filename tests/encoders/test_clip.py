"""CLIP through the real library, on a tiny random network saved to disk."""

from __future__ import annotations

import json

import numpy as np
import pytest

from idbench.errors import WeightsError

pytestmark = pytest.mark.slow
TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory):
    torch = pytest.importorskip("torch")
    open_clip = pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("clip")
    (folder / "idbench-tiny.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / "idbench-tiny.json")
    network = open_clip.create_model("idbench-tiny")
    torch.save(network.state_dict(), folder / "tiny.pt")
    return f"{folder / 'tiny.pt'}?arch=idbench-tiny", network.eval()


def test_clip_vectors_are_those_of_the_network(tiny_clip):
    from idbench.encoders.clip import open_encoder

    spec, _ = tiny_clip
    encoder = open_encoder(spec, "cpu")
    images = list(np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3)).astype(np.uint8))
    vectors = encoder.encode(images)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert encoder.encode(images[1:2])[0] == pytest.approx(vectors[1], abs=1e-5)
    text, cut = encoder.encode_text("a man waves")
    assert not cut
    assert text @ text == pytest.approx(1)
    assert encoder.encode_text("word " * 200)[1]
    with pytest.raises(WeightsError, match="does not fit"):
        open_encoder(spec.partition("?")[0], "cpu")
    with pytest.raises(WeightsError, match="not found"):
        open_encoder("/nowhere/clip.pt", "cpu")


def test_clip_scores_reach_the_summary(tiny_clip, real_suite, packs, tmp_cache, tmp_path):
    import idbench

    run = idbench.score(
        images={"natural": real_suite / "outputs" / "natural"}, suite=real_suite, subsets=("p2",),
        recognizers=[f"insightface:{packs / 'mini-a'}"], out=tmp_path / "run", cache=str(tmp_cache),
        clip=tiny_clip[0], device="cpu", resamples=100, gallery=0,
    )  # fmt: skip
    models = run.summary.images["all"].models
    assert models["oracle-target"].metrics["clip_i"].mean == pytest.approx(1, abs=1e-5)
    assert models["natural"].metrics["clip_i"].mean < 1
    assert -1 <= models["natural"].metrics["clip_t"].mean <= 1
    assert models["natural"].prompts_cut == 0
