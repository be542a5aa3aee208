"""What the metric functions mean: properties, directions, and slow literal definitions."""

from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from idbench import metrics
from idbench.metrics.variation import FACE_MODEL

vectors = hnp.arrays(np.float64, 16, elements=st.floats(-10, 10)).filter(lambda v: np.linalg.norm(v) > 1e-3)
seeds = st.integers(0, 2**32 - 1)


def between(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """The point at `share` of the great circle from a to b."""
    a, b = metrics.unit(a), metrics.unit(b)
    theta = metrics.angle(a, b)
    return (np.sin((1 - share) * theta) * a + np.sin(share * theta) * b) / np.sin(theta)


@given(vectors, vectors)
def test_angle_agrees_with_arccos_of_cosine(a, b):
    cosine = metrics.cosine(a, b)
    if abs(cosine) < 0.999:
        assert metrics.angle(a, b) == pytest.approx(math.acos(cosine), abs=1e-9)


@given(vectors, st.floats(1e-9, 1e-3))
def test_angle_is_accurate_where_arccos_is_not(a, theta):
    a = metrics.unit(a)
    other = metrics.unit(np.roll(a, 1) + 0.3 * np.arange(16))
    sideways = metrics.unit(other - (other @ a) * a)
    assert metrics.angle(a, np.cos(theta) * a + np.sin(theta) * sideways) == pytest.approx(theta, rel=1e-6)


@given(vectors, vectors, vectors)
def test_copy_paste_lies_between_minus_one_and_one(g, t, r):
    value = metrics.copy_paste(g, t, r)
    assert math.isnan(value) or -1 <= value <= 1


@given(vectors, vectors, vectors, st.floats(0.1, 100))
def test_copy_paste_ignores_length_and_swaps_sign_with_roles(g, t, r, scale):
    value, swapped = metrics.copy_paste(g, t, r), metrics.copy_paste(g, r, t)
    if not math.isnan(value):
        assert value == pytest.approx(-swapped, abs=1e-9)
        assert metrics.copy_paste(scale * g, t, r) == pytest.approx(value, abs=1e-6)


@given(seeds)
def test_copy_paste_at_its_three_landmarks(seed):
    t, r = np.random.default_rng(seed).normal(size=(2, 64))
    assert metrics.copy_paste(t, t, r) == -1.0
    assert metrics.copy_paste(r, t, r) == 1.0
    assert metrics.copy_paste(between(t, r, 0.5), t, r) == pytest.approx(0, abs=1e-9)


@given(seeds)
def test_moving_towards_the_reference_raises_copy_paste(seed):
    g, t, r = np.random.default_rng(seed).normal(size=(3, 64))
    path = [metrics.copy_paste(between(g, r, share), t, r) for share in np.linspace(0.01, 1, 12)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(path))
    assert path[-1] == pytest.approx(1)


def test_one_photo_as_target_and_reference_is_undefined_never_zero():
    g, t = np.random.default_rng(0).normal(size=(2, 64))
    assert math.isnan(metrics.copy_paste(g, t, t))
    assert math.isnan(metrics.copy_paste(g, t, t + 1e-6))
    assert math.isnan(metrics.copy_paste(np.full(64, np.nan), t, g))
    assert math.isnan(metrics.copy_paste(np.zeros(64), t, g))


def test_copying_any_reference_is_copying():
    rng = np.random.default_rng(1)
    t, *references = rng.normal(size=(4, 64))
    for k in range(3):
        assert metrics.nearest_reference(references[k], references) == k
    with pytest.raises(ValueError, match="no usable reference"):
        metrics.nearest_reference(t, np.full((2, 64), np.nan))


def test_vectors_of_different_length_are_an_error_not_a_number():
    with pytest.raises(ValueError, match="shapes"):
        metrics.cosine(np.ones(3), np.ones(4))


@given(seeds, st.integers(2, 5))
def test_blending_equals_its_literal_definition(seed, n):
    g, t = np.random.default_rng(seed).normal(size=(2, n, 32))
    literal = np.mean([metrics.cosine(g[i], t[j]) for i in range(n) for j in range(n) if i != j])
    assert metrics.blending(g, t) == pytest.approx(literal)
    per_person = [metrics.person_blending(g[i], np.delete(t, i, axis=0)) for i in range(n)]
    assert np.mean(per_person) == pytest.approx(literal)


def test_mixing_two_people_raises_blending_and_one_person_has_none():
    t = np.random.default_rng(2).normal(size=(2, 64))
    mixed = [metrics.blending([between(t[0], t[1], s), between(t[1], t[0], s)], t) for s in (0.01, 0.2, 0.5)]
    assert mixed == sorted(mixed)
    assert mixed[0] < mixed[-1]
    assert math.isnan(metrics.blending(t[:1], t[:1]))


@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_match_is_the_best_of_all_assignments(seed, n, m):
    matrix = np.random.default_rng(seed).normal(size=(n, m))
    pairs = metrics.match(matrix)
    assert len(pairs) == min(n, m)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    wide = matrix if n <= m else matrix.T
    best = max(
        sum(wide[i, c] for i, c in enumerate(columns)) for columns in permutations(range(wide.shape[1]), len(wide))
    )
    assert sum(matrix[i, j] for i, j in pairs) == pytest.approx(best)


def test_match_refuses_what_cannot_be_compared():
    with pytest.raises(ValueError, match="finite"):
        metrics.match([[np.nan, 1.0]])


def test_iou_by_hand():
    assert metrics.iou_matrix([[0, 0, 2, 2]], [[1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]]).tolist() == [
        [pytest.approx(1 / 7), 1.0, 0.0]
    ]


def test_in_slot_takes_the_face_nearest_to_the_box():
    faces = [[0, 0, 10, 10], [50, 0, 60, 10]]
    assert metrics.in_slot(0, faces, [2, 2, 12, 12])
    assert not metrics.in_slot(1, faces, [2, 2, 12, 12])


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


@given(seeds)
def test_auc_equals_counting_pairs(seed):
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.integers(0, 6, 12) / 5, rng.integers(0, 6, 15) / 5
    literal = np.mean([(g > i) + 0.5 * (g == i) for g in genuine for i in impostor])
    assert metrics.auc(genuine, impostor) == pytest.approx(literal)


def test_equal_error_rate_by_hand():
    assert metrics.equal_error_rate([0.8, 0.9], [0.1, 0.2]) == 0
    assert metrics.equal_error_rate([0.1, 0.9], [0.2, 0.8]) == pytest.approx(0.5)


@given(seeds, st.floats(0.001, 0.5))
def test_threshold_keeps_its_false_accept_rate_and_says_what_it_attains(seed, rate):
    impostor = np.random.default_rng(seed).normal(size=200).round(2)
    threshold, attained = metrics.threshold_at(impostor, rate)
    assert attained == pytest.approx((impostor >= threshold).mean())
    assert attained <= rate
    lower = impostor[impostor < threshold]
    if len(lower):
        assert (impostor >= lower.max()).mean() > rate


def test_every_metric_declares_what_reports_need():
    for metric in (*metrics.all_person_metrics(), *metrics.IMAGE_METRICS):
        assert metric.low < metric.high
        assert metric.direction in ("higher", "lower", "zero", "context")
        assert metric.title
    assert metrics.metric_named("copy_paste").direction == "lower"
    assert metrics.metric_named("nothing") is None
