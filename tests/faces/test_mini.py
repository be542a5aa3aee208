"""mini: what it reaches on people it never saw, and what its answers must not depend on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from idbench import registry
from idbench.errors import WeightsError
from idbench.faces.align import ARCFACE_112
from idbench.faces.mini import CELL, WEIGHTS, WINDOW, best_boxes, face_window, shrink
from idbench.faces.runtime import file_digest
from idbench.faces.specs import open_detector, open_recognizers
from idbench.metrics import auc, equal_error_rate
from idbench.synthetic import (
    Place,
    Sitter,
    render,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
    sample_identities,
    sample_style,
)

SEED = 20_261


@pytest.fixture(scope="module")
def detector():
    return open_detector("mini", [])


@pytest.fixture(scope="module")
def recognizer():
    return open_recognizers(["mini"])[0]


def photographed(people, rng, styles=None):
    """One picture of these people side by side."""
    size = len(people)
    looks = [
        sample_appearance(sample_description(person, rng, styles[i] if styles else None), rng)
        for i, person in enumerate(people)
    ]
    places = [Place((i + 0.5) / size, 0.5, 0.54 if size == 1 else 0.45) for i in range(size)]
    sitters = [
        Sitter(person, look.model_copy(update={"light": looks[0].light}), place)
        for person, look, place in zip(people, looks, places, strict=True)
    ]
    return render(sitters, sample_background(rng), sample_camera(rng), 128 * (size + 1), 256)


def box_errors(picture, found):
    """Distance of each face's centre from the nearest found box's, and which, in widths of the face."""
    boxes = np.array([face.box for face in picture.faces])
    centres, theirs = ((each[:, :2] + each[:, 2:]) / 2 for each in (boxes, found.boxes))
    apart = np.linalg.norm(centres[:, None] - theirs, axis=2) / (boxes[:, 2] - boxes[:, 0])[:, None]
    return apart.min(axis=1), apart.argmin(axis=1)


def portraits(people, photos, rng):
    """Who, and a photo of them in a style of their own."""
    someone = sample_identities(people, rng)
    styles = [sample_style(person, rng) for person in someone]
    return [(i, photographed([someone[i]], rng, [styles[i]])) for i in range(people) for _ in range(photos)]


@pytest.fixture(scope="module")
def pictures():
    """Five people, one photo each."""
    return [picture for _, picture in portraits(5, 1, np.random.default_rng(SEED))]


@pytest.mark.slow
def test_portraits_of_people_never_seen_meet_the_bars(detector, recognizer):
    vectors, who, errors = [], [], []
    for person, picture in portraits(30, 4, np.random.default_rng(SEED + 1)):
        found = detector.detect(picture.pixels)
        assert len(found) == 1
        truth = picture.faces[0].landmarks
        errors.append(np.linalg.norm(found.landmarks[0] - truth, axis=1).mean() / np.linalg.norm(truth[0] - truth[1]))
        crop = recognizer.alignment.crop(picture.pixels, found.boxes[0], found.landmarks[0])
        vectors.append(recognizer.embed(crop[None])[0])
        who.append(person)
    units = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    upper = np.triu_indices(len(units), 1)
    cosines, same = (units @ units.T)[upper], np.equal.outer(who, who)[upper]
    assert np.mean(errors) <= 0.04
    assert auc(cosines[same], cosines[~same]) >= 0.99
    assert equal_error_rate(cosines[same], cosines[~same]) <= 0.03


@pytest.mark.slow
def test_everybody_in_a_group_is_found_and_nobody_else(detector):
    rng = np.random.default_rng(SEED + 2)
    missed = surplus = faces = 0
    for size in (2, 3, 4) * 12:
        picture = photographed(sample_identities(size, rng), rng)
        found = detector.detect(picture.pixels)
        distances, nearest = box_errors(picture, found)
        hit = distances < 0.25
        faces += size
        missed += size - len(set(nearest[hit]))
        surplus += len(found) - len(set(nearest[hit]))
    assert missed <= 0.01 * faces
    assert surplus <= 0.01 * faces


@pytest.mark.parametrize("kind", ["black", "white", "noise", "empty scene", "stripes"])
def test_no_face_where_there_is_none(detector, kind):
    rng = np.random.default_rng(3)
    pixels = {
        "black": lambda: np.zeros((256, 256, 3), np.uint8),
        "white": lambda: np.full((256, 640, 3), 255, np.uint8),
        "noise": lambda: rng.integers(0, 256, (256, 256, 3)).astype(np.uint8),
        "empty scene": lambda: render([], sample_background(rng), sample_camera(rng)).pixels,
        "stripes": lambda: np.repeat(np.tile([0, 255], (256, 128)).astype(np.uint8)[..., None], 3, axis=2),
    }[kind]()
    assert len(detector.detect(pixels)) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3000, 2), (7, 7)])
def test_tiny_and_thin_images_hold_no_face(detector, shape):
    assert len(detector.detect(np.full((*shape, 3), 90, np.uint8))) == 0


def test_scores_and_landmarks_are_well_formed(pictures, detector):
    found = detector.detect(pictures[0].pixels)
    assert found.boxes.shape == (1, 4) and found.landmarks.shape == (1, 5, 2)
    assert 0.5 <= found.scores[0] <= 1
    eye, other, nose, left, right = found.landmarks[0]
    assert eye[0] < other[0] and left[0] < right[0]
    assert max(eye[1], other[1]) < nose[1] < min(left[1], right[1])


def test_threshold_decides_what_counts_as_a_face(pictures):
    pixels = pictures[0].pixels
    score = open_detector("mini", []).detect(pixels).scores[0]
    assert len(open_detector("mini", [], threshold=float(score)).detect(pixels)) == 1
    assert len(open_detector("mini", [], threshold=1.01).detect(pixels)) == 0


def test_faces_are_found_at_other_sizes_and_on_black(pictures, detector):
    import cv2

    from idbench.faces.pipeline import pad_to_square

    picture = pictures[4]
    truth = picture.faces[0].landmarks
    eyes = np.linalg.norm(truth[0] - truth[1])
    for factor in (0.5, 2, 4):
        size = (int(256 * factor), int(256 * factor))
        found = detector.detect(np.asarray(cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
        assert len(found) == 1
        assert np.linalg.norm(found.landmarks[0] / factor - truth, axis=1).mean() < 0.1 * eyes
    assert len(detector.detect(pad_to_square(picture.pixels))) == 1


def test_embeddings_depend_on_neither_batch_nor_order(pictures, detector, recognizer):
    crops = []
    for picture in pictures:
        found = detector.detect(picture.pixels)
        crops.append(ARCFACE_112.crop(picture.pixels, found.boxes[0], found.landmarks[0]))
    together = recognizer.embed(np.stack(crops))
    assert together.shape == (5, 128)
    assert np.array_equal(together, np.concatenate([recognizer.embed(crop[None]) for crop in crops]))
    assert np.array_equal(together[::-1], recognizer.embed(np.stack(crops[::-1])))


def test_detections_depend_on_no_other_image(pictures, detector):
    forward = [detector.detect(picture.pixels) for picture in pictures]
    backward = [open_detector("mini", []).detect(picture.pixels) for picture in pictures[::-1]][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert np.array_equal(a.boxes, b.boxes)
        assert np.array_equal(a.landmarks, b.landmarks)
        assert np.array_equal(a.scores, b.scores)


def test_boxes_are_read_from_the_map_as_its_docstring_says():
    chances, shapes = np.zeros((4, 6), np.float32), np.zeros((4, 4, 6), np.float32)
    chances[1, 2], chances[1, 3], chances[3, 5] = 0.9, 0.8, 0.3
    shapes[:, 1, 2] = [0.5, -0.25, np.log(0.5), 0]
    shapes[:, 1, 3] = [-0.5, -0.25, np.log(0.5), 0]
    boxes, scores = best_boxes(chances, shapes, 0.5)
    assert boxes == pytest.approx(np.array([[3 * CELL - 12, 1.25 * CELL - 24, 3 * CELL + 12, 1.25 * CELL + 24]]))
    assert scores == pytest.approx([0.9])
    assert len(best_boxes(chances, shapes, 0.2)[0]) == 2


def test_windows_stay_square_beyond_the_edge():
    pixels = np.full((40, 60, 3), 200, np.uint8)
    window, corner, side = face_window(pixels, np.array([-10, -10, 30, 30], np.float32))
    assert window.shape == (WINDOW, WINDOW, 3) and side == 56
    assert corner == pytest.approx([-18, -18])
    assert window[0, 0].max() == 0 and window[-1, -1].min() == 200


def test_shrunken_images_keep_their_shape():
    small, scale = shrink(np.zeros((256, 640, 3), np.uint8))
    assert small.shape[0] % CELL == small.shape[1] % CELL == 0
    assert small.shape[1] / small.shape[0] == pytest.approx(2.5, abs=0.15)
    assert scale == pytest.approx(small.shape[1] / 640, abs=0.02)


def test_registered_like_any_other():
    kind = registry.recognizers.get("mini")
    assert kind.only_rendered and kind.family == "mini" and registry.detectors.get("mini").only_rendered
    assert registry.detectors.get("mini").open("", "cpu", None).describe()["kind"] == "mini"
    recognizer = kind.open("its name", "", "cpu")
    assert recognizer.name == "its name" and recognizer.alignment == ARCFACE_112
    assert "synthetic" in recognizer.describe()["judges"]
    digests = recognizer.describe()["weights"] | open_detector("mini", []).describe()["weights"]
    assert len(digests) == 3 and all(len(digest) == 64 for digest in digests.values())


def test_weights_are_small_and_their_figures_lie_beside_them():
    files = sorted(WEIGHTS.glob("*.onnx"))
    assert len(files) == 3
    assert sum(file.stat().st_size for file in files) < 3_000_000
    held_out = json.loads((WEIGHTS / "mini.json").read_text())["held_out"]
    assert held_out["auc"] >= 0.99 and held_out["equal_error_rate"] <= 0.03
    assert held_out["landmark_error"] <= 0.04 and held_out["found"] >= 0.99
    account = json.loads((WEIGHTS / "mini.json").read_text())
    assert account["sha256"] == {file.name: file_digest(file) for file in files}


def test_damaged_weights_are_one_line(tmp_path):
    for file in WEIGHTS.glob("*.onnx"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="not a usable ONNX") as caught:
        open_detector(f"mini:{tmp_path}", [])
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="not a usable ONNX"):
        open_recognizers([f"mini:{tmp_path}"])
    with pytest.raises(WeightsError, match="no weights at"):
        open_detector(f"mini:{tmp_path / 'elsewhere'}", [])


def test_networks_that_are_not_minis_are_refused(tmp_path):
    names = sorted(file.name for file in WEIGHTS.glob("*.onnx"))
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        shutil.copy(WEIGHTS / name, tmp_path / other)
    with pytest.raises(WeightsError, match="not mini's"):
        open_detector(f"mini:{tmp_path}", [])
