"""The training of mini: end to end, and its augmentations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idbench.faces.mini import CELL, WINDOW, best_boxes
from idbench.faces.specs import open_detector, open_recognizers

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_training_runs_end_to_end_and_judges_itself(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    command = [
        sys.executable, str(ROOT / "training" / "train_mini.py"), "--out", str(tmp_path / "out"),
        "--cache", str(tmp_path / "cache"), "--people", "6", "--photos", "2", "--finder-steps", "2",
        "--placer-steps", "2", "--embedder-steps", "2", "--held-out-cases", "2",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    account = json.loads((tmp_path / "out" / "mini.json").read_text())
    assert account["asked"]["people"] == 6
    assert account["held_out"]["pictures"] >= 4
    assert 0 <= account["held_out"]["found"] <= 1
    assert len(open_detector(f"mini:{tmp_path / 'out'}", []).describe()["weights"]) == 2
    crop = np.zeros((1, 112, 112, 3), np.uint8)
    assert open_recognizers([f"mini:{tmp_path / 'out'}"])[0].embed(crop).shape == (1, 128)


@pytest.fixture
def training(monkeypatch):
    """The folder of the training script, importable."""
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(ROOT / "training"))


def test_training_frames_move_pictures_and_boxes_alike(training):
    from finder import framed, lesson
    from pictures import Face, LabelledPicture

    pixels = np.full((176, 264, 3), 90, np.uint8)
    pixels[40:100, 30:80] = [250, 0, 0]
    face = Face(np.array([30, 40, 80, 100], np.float32), np.zeros((5, 2), np.float32), 0, 1.0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        canvas, boxes, seen = framed(LabelledPicture(pixels, (face,)), rng)
        rows, columns = np.nonzero((canvas[..., 0] > 200) & (canvas[..., 1] < 40))
        painted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        height, width = canvas.shape[:2]
        assert np.clip(boxes[0], 0, [width, height, width, height]) == pytest.approx(painted, abs=1.5)
        assert seen[0] == pytest.approx(len(rows) / np.prod(boxes[0, 2:] - boxes[0, :2]), abs=0.1)
        answer = lesson(boxes, seen, height // CELL, width // CELL)
        read, _ = best_boxes(answer.yes, answer.shapes, 0.5)
        assert read == pytest.approx(boxes, abs=1e-3)


def test_training_windows_move_landmarks_alike(training):
    from placer import window_with_landmarks

    pixels = np.zeros((176, 176, 3), np.uint8)
    landmarks = np.array([[70, 80], [100, 82], [86, 98], [73, 112], [98, 114]], np.float32)
    for x, y in landmarks.astype(int):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    rng = np.random.default_rng(0)
    for _ in range(30):
        window, placed = window_with_landmarks(pixels, np.array([55, 60, 115, 125], np.float32), landmarks, rng)
        assert placed[0, 0] < placed[1, 0] and placed[3, 0] < placed[4, 0]
        values = [window[int(y * WINDOW), int(x * WINDOW)].mean() for x, y in placed]
        assert np.median(values) > np.median(window) + 60
