"""Head pose, SSIM and variation over seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vectors import seeds

from idbench import metrics
from idbench.metrics.variation import FACE_MODEL


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    y, p, r = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return rz @ ry @ rx


@given(st.floats(-60, 60), st.floats(-40, 40), st.floats(-80, 80), st.floats(0.2, 8), st.floats(-500, 500))
def test_head_pose_recovers_the_rotation_of_its_own_model(yaw, pitch, roll, scale, shift):
    rotation = _rotation(yaw, pitch, roll)
    landmarks = scale * (FACE_MODEL @ rotation.T)[:, :2] + shift
    found = metrics.head_pose(landmarks)
    assert metrics.rotation_between(found, rotation) < 1e-3
    assert metrics.yaw_pitch_roll(found) == pytest.approx((yaw, pitch, roll), abs=1e-6)


def test_a_face_on_the_recognizers_template_looks_straight_ahead():
    from idbench.faces.align import ARCFACE_TEMPLATE

    assert np.abs(metrics.yaw_pitch_roll(metrics.head_pose(ARCFACE_TEMPLATE))).max() < 3


def test_turning_the_head_is_seen_as_yaw_and_mirroring_flips_it():
    landmarks = (FACE_MODEL @ _rotation(25, 0, 0).T)[:, :2]
    mirrored = (landmarks * [-1, 1])[[1, 0, 2, 4, 3]]
    assert metrics.yaw_pitch_roll(metrics.head_pose(landmarks))[0] == pytest.approx(25)
    assert metrics.yaw_pitch_roll(metrics.head_pose(mirrored))[0] == pytest.approx(-25)


@given(seeds)
@settings(max_examples=20)
def test_ssim_agrees_with_scikit_image(seed):
    from skimage.metrics import structural_similarity

    a, b = np.random.default_rng(seed).integers(0, 256, size=(2, 40, 50)).astype(np.uint8)
    assert metrics.ssim(a, b) == pytest.approx(structural_similarity(a, b, data_range=255), abs=1e-9)
    assert metrics.ssim(a, a) == pytest.approx(1)


@given(seeds, st.integers(2, 6))
def test_seed_distance_equals_its_literal_definition(seed, n):
    v = np.random.default_rng(seed).normal(size=(n, 32))
    literal = np.mean([metrics.angle(v[i], v[j]) for i in range(n) for j in range(n) if i != j])
    assert metrics.mean_pairwise_angle(v).mean() == pytest.approx(literal)
    assert np.isnan(metrics.mean_pairwise_angle(v[:1])).all()


def test_seeds_that_turn_the_head_have_pose_spread():
    turns = [_rotation(yaw, 0, 0) for yaw in (0, 10, 40)]
    assert metrics.mean_pairwise_rotation(turns) == pytest.approx([25, 20, 35], abs=1e-4)
    assert np.isnan(metrics.mean_pairwise_rotation(turns[:1])).all()
