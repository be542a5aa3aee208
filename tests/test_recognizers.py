"""Detectors and recognizers: preprocessing, golden values, damaged weights."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from idbench.errors import ConfigError, UnknownNameError, WeightsError
from idbench.faces.align import ARCFACE_TEMPLATE, Alignment, similarity_transform
from idbench.faces.onnx import OnnxRecognizer, Preprocessing
from idbench.faces.opening import open_detector, open_recognizers, parse_recognizer
from idbench.images import decode
from idbench.suites import open_suite


@pytest.fixture(scope="module")
def photo(real_suite):
    case = next(open_suite(str(real_suite)).cases())
    return decode(case.target.read())


def test_scrfd_finds_what_insightface_finds(packs, photo):
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(str(packs / "mini-a"), providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
    theirs = app.get(np.ascontiguousarray(photo[..., ::-1]))
    ours = open_detector(None, [f"insightface:{packs / 'mini-a'}"]).detect(photo)
    assert len(ours) == len(theirs) > 0
    assert ours.boxes == pytest.approx(np.array([face.bbox for face in theirs]), abs=1e-3)
    assert ours.landmarks == pytest.approx(np.array([face.kps for face in theirs]), abs=1e-3)
    for pack in ("mini-a", "mini-b"):
        app = FaceAnalysis(str(packs / pack), providers=["CPUExecutionProvider"])
        app.prepare(ctx_id=-1, det_thresh=0.45, det_size=(640, 640))
        expected = app.get(np.ascontiguousarray(photo[..., ::-1]))[0].normed_embedding
        judge = open_recognizers([f"insightface:{packs / pack}"])[0]
        crop = judge.alignment.crop(photo, ours.boxes[0], ours.landmarks[0])
        found = judge.embed(crop[None])[0]
        assert found / np.linalg.norm(found) @ expected > 0.9999


def test_our_blob_equals_opencvs(packs, photo):
    import cv2

    model = open_detector(None, [f"insightface:{packs / 'mini-a'}"])._model
    ours = model._prepare_input_blob(photo, photo.shape[1::-1])
    theirs = cv2.dnn.blobFromImage(photo, 1 / 128, photo.shape[1::-1], (127.5,) * 3, swapRB=False)
    assert np.array_equal(ours, theirs)


def test_fixed_and_dynamic_batches_give_the_same_embeddings(packs):
    crops = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3)).astype(np.uint8)
    for pack in ("mini-a", "mini-b"):
        judge = open_recognizers([f"insightface:{packs / pack}"])[0]
        together, alone = judge.embed(crops), np.concatenate([judge.embed(crop[None]) for crop in crops])
        assert together == pytest.approx(alone, abs=1e-5)


def test_onnx_file_with_declared_preprocessing_is_the_pack_itself(packs):
    file = next((packs / "mini-a").glob("rec*.onnx"))
    pack = open_recognizers([f"insightface:{packs / 'mini-a'}"])[0]
    same, other = open_recognizers(
        [f"a=onnx:{file}?size=112&color=rgb&mean=127.5&scale=127.5", f"b=onnx:{file}?color=bgr"]
    )
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    assert np.array_equal(same.embed(crops), pack.embed(crops))
    assert np.array_equal(other.embed(crops[..., ::-1]), pack.embed(crops))
    assert same.describe() != other.describe()


def test_preprocessing_is_written_out():
    pixel = np.array([[[[10, 20, 30]]]], np.uint8)
    assert Preprocessing("bgr", (1, 2, 3), (2,)).apply(pixel).ravel() == pytest.approx([14.5, 9, 3.5])
    with pytest.raises(ConfigError, match="rgb or bgr"):
        Preprocessing("hsv")


def test_similarity_transform_recovers_what_made_the_points():
    angle, scale = 0.4, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity_transform(ARCFACE_TEMPLATE, ARCFACE_TEMPLATE @ turn.T + [5, -9])
    assert matrix == pytest.approx(np.column_stack([turn, [5, -9]]))
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.zeros((5, 2)), ARCFACE_TEMPLATE)


def test_crops_put_landmarks_where_the_template_has_them():
    image = np.zeros((300, 300, 3), np.uint8)
    landmarks = ARCFACE_TEMPLATE * 1.5 + [60, 50]
    for x, y in landmarks:
        image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
    for alignment in (Alignment("arcface", 112), Alignment("arcface", 256)):
        crop = alignment.crop(image, np.array([0, 0, 1, 1]), landmarks)
        for x, y in alignment.template():
            assert crop[round(y), round(x)].max() > 200
    with pytest.raises(ConfigError, match="112 or 128"):
        Alignment("arcface", 100)


def test_names_of_recognizers():
    assert parse_recognizer("insightface:/packs/mini-a") == ("mini-a", "insightface", "/packs/mini-a")
    assert parse_recognizer("judge=insightface:buffalo_l") == ("judge", "insightface", "buffalo_l")
    assert parse_recognizer("onnx:/w/net.onnx?size=112")[0] == "net"
    assert parse_recognizer("x=onnx:/w/net.onnx?size=112")[0] == "x"
    assert parse_recognizer("facenet")[0] == "facenet"
    with pytest.raises(UnknownNameError, match="did you mean 'insightface'"):
        open_recognizers(["insigthface:x"])
    with pytest.raises(WeightsError, match="unpack it to"):
        open_recognizers(["insightface:no_such_pack"])


def test_damaged_onnx_is_one_line(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="not a usable ONNX"):
        OnnxRecognizer("x", tmp_path / "bad.onnx", Alignment("arcface", 112), Preprocessing())
    with pytest.raises(WeightsError, match="pack"):
        open_recognizers([f"insightface:{tmp_path}"])


def wave(n: int, factor: float, offset: float) -> np.ndarray:
    value = 43758.5453 * np.sin(factor * np.arange(n, dtype=np.float64) + offset)
    return value - np.floor(value)


def golden_weights(shapes: dict[str, list[int]], seed: int):
    """Weights as the golden file's `about` describes them."""
    import torch

    state = {}
    for name, shape in shapes.items():
        n = int(np.prod(shape)) if shape else 1
        v = 3.4641 * wave(n, 12.9898, zlib.crc32(f"{seed}:{name}".encode()) % 9973) - 1.7320
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        if name.endswith("running_var"):
            v = 1 + 0.5 * v
        elif name.endswith("running_mean"):
            v = 0.1 * v
        elif len(shape) == 4:
            v = 0.25 * v * np.sqrt(2 / np.prod(shape[1:]))
        elif len(shape) == 2:
            v = v * np.sqrt(1 / shape[1])
        elif name.endswith("bias"):
            v = 0.05 * v
        else:
            v = 1 + 0.2 * v
        state[name] = torch.from_numpy(v.reshape(shape).astype(np.float32))
    return state


@pytest.mark.golden
def test_adaface_agrees_with_the_published_network(golden, tmp_path):
    torch = pytest.importorskip("torch")
    from idbench.faces.adaface import network_of
    from idbench.torch_weights import load_state_dict

    values = json.loads((golden / "adaface_ir50.json").read_text())
    state = golden_weights(values["state_dict_shapes"], values["seed"])
    checkpoint = tmp_path / "adaface_ir50.ckpt"
    torch.save(
        {"state_dict": {f"model.{k}": v for k, v in state.items()} | {"head.kernel": torch.zeros(2)}},
        checkpoint,
    )
    network = network_of(load_state_dict(checkpoint), "golden")
    n = len(values["feature"])
    pixels = 2 * wave(n * 3 * 112 * 112, 78.233, 0.0) - 1
    with torch.inference_mode():
        feature, norm = network(torch.from_numpy(pixels.reshape(n, 3, 112, 112).astype(np.float32)))
    assert feature.numpy() == pytest.approx(np.array(values["feature"]), abs=1e-4)
    assert norm.numpy().ravel() == pytest.approx(np.array(values["norm"]).ravel(), rel=1e-4)


def test_adaface_reads_a_checkpoint_end_to_end_and_names_a_wrong_one(golden, tmp_path):
    torch = pytest.importorskip("torch")
    from idbench.faces.adaface import AdaFaceNetwork

    network = AdaFaceNetwork((3, 4, 14, 3)).eval()
    torch.save({"state_dict": {f"model.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "a.ckpt")
    judge = open_recognizers([f"adaface:{tmp_path / 'a.ckpt'}"], "cpu")[0]
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    bgr = torch.from_numpy(((crops[..., ::-1] / 255.0 - 0.5) / 0.5).transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        assert judge.embed(crops) == pytest.approx(network(bgr)[0].numpy(), abs=1e-5)
    torch.save({"state_dict": {"model.body.0.x": torch.zeros(1)}}, tmp_path / "b.ckpt")
    with pytest.raises(WeightsError, match="1 blocks"):
        open_recognizers([f"adaface:{tmp_path / 'b.ckpt'}"])


def test_a_pickle_with_code_is_never_run(tmp_path):
    torch = pytest.importorskip("torch")
    marker = tmp_path / "was-run"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (marker,))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.ckpt")
    with pytest.raises(WeightsError, match="plain tensor checkpoint"):
        open_recognizers([f"adaface:{tmp_path / 'evil.ckpt'}"])
    assert not marker.exists()


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


@pytest.mark.slow
def test_mtcnn_and_scrfd_agree_on_a_real_face(packs, photo):
    pytest.importorskip("facenet_pytorch")
    scrfd = open_detector(None, [f"insightface:{packs / 'mini-a'}"]).detect(photo)
    mtcnn = open_detector("mtcnn", [], "cpu").detect(photo)
    assert len(mtcnn) >= 1
    gap = np.abs(mtcnn.landmarks - scrfd.landmarks[0]).max(axis=(1, 2)).min()
    assert gap < 0.25 * np.linalg.norm(scrfd.landmarks[0][1] - scrfd.landmarks[0][0])
