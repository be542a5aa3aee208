"""Aesthetics through the real libraries, on a tiny random network saved to disk."""

from __future__ import annotations

import numpy as np
import pytest

from idbench.errors import WeightsError


def test_aesthetic_score_is_the_head_on_the_normalised_pooled_output(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from idbench.encoders.aesthetic import ENCODER_FOLDER, HEAD_FILE, _head, open_encoder

    config = transformers.SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    network = transformers.SiglipVisionModel(config).eval()
    network.save_pretrained(tmp_path / ENCODER_FOLDER)
    processor = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path / ENCODER_FOLDER)
    head = _head(32).eval()
    torch.save({f"scoring_head.{k}": v for k, v in head.state_dict().items()}, tmp_path / HEAD_FILE)
    images = list(np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3)).astype(np.uint8))
    scores = open_encoder(str(tmp_path), "cpu").encode(images)
    with torch.inference_mode():
        pooled = network(**processor(images=images, return_tensors="pt")).pooler_output
        expected = head(torch.nn.functional.normalize(pooled, dim=-1))
    assert scores == pytest.approx(expected.numpy(), abs=1e-5)
    assert open_encoder("off", "cpu") is None
    with pytest.raises(WeightsError, match="expects"):
        open_encoder(str(tmp_path / "empty"), "cpu")
