"""FaceNet's preprocessing and missing weights."""

from __future__ import annotations

import numpy as np
import pytest

from idbench.errors import WeightsError
from idbench.faces.align import Alignment
from idbench.faces.specs import open_recognizers


@pytest.mark.slow
def test_facenet_sees_rgb_boxes_at_160_px(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    facenet_pytorch = pytest.importorskip("facenet_pytorch")
    network = facenet_pytorch.InceptionResnetV1(pretrained=None).eval()
    state = network.state_dict() | {"logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}
    torch.save(state, tmp_path / "facenet.pt")
    judge = open_recognizers([f"facenet:{tmp_path / 'facenet.pt'}"], "cpu")[0]
    assert judge.alignment == Alignment("box", 160)
    crops = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3)).astype(np.uint8)
    documented = (torch.from_numpy(crops.transpose(0, 3, 1, 2)).float() - 127.5) / 128.0
    with torch.inference_mode():
        assert judge.embed(crops) == pytest.approx(network(documented).numpy(), abs=1e-5)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"expected at .*vggface2\.pt, not found; download https"):
        open_recognizers(["facenet"])
