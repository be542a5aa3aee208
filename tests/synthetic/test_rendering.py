"""Whether the renderer knows what it drew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.people import CLEAN, SEEDS, eye_distance, face_of, people

from idbench.faces.specs import open_detector
from idbench.synthetic import (
    Appearance,
    Background,
    Expression,
    Light,
    Place,
    Pose,
    Sitter,
    render,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
)


def test_landmarks_move_exactly_with_the_head():
    person = people(1, 4)[0]
    look = Appearance()
    one = render([Sitter(person, look, Place(0.4, 0.5, 0.5))], camera=CLEAN, width=200, height=200).faces[0]
    two = render([Sitter(person, look, Place(0.6, 0.4, 0.5))], camera=CLEAN, width=200, height=200).faces[0]
    assert two.landmarks - one.landmarks == pytest.approx(np.tile([40.0, -20.0], (5, 1)), abs=1e-3)


def test_landmarks_scale_with_the_head_and_the_picture():
    person = people(1, 4)[0]
    assert eye_distance(face_of(person, head=0.6)) == pytest.approx(
        1.5 * eye_distance(face_of(person, head=0.4)), rel=1e-4
    )
    assert eye_distance(face_of(person, 320)) == pytest.approx(2 * eye_distance(face_of(person, 160)), rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(-12, 12), SEEDS)
def test_roll_turns_the_eye_line(roll, seed):
    person = people(1, seed)[0].model_copy(update={"eye_line": 0.0})
    left, right = face_of(person, pose=Pose(roll=roll)).landmarks[:2]
    assert np.degrees(np.arctan2(*(right - left)[::-1])) == pytest.approx(roll, abs=0.6)


@pytest.mark.parametrize(("pose", "axis", "sign"), [
    (Pose(yaw=25), 0, 1), (Pose(yaw=-25), 0, -1), (Pose(pitch=15), 1, -1), (Pose(pitch=-15), 1, 1),
])  # fmt: skip
def test_the_nose_points_where_the_head_turns(pose, axis, sign):
    for person in people(4, 6):
        straight, turned = face_of(person), face_of(person, pose=pose)
        moved = (turned.landmarks[2] - turned.landmarks[:2].mean(0)) - (
            straight.landmarks[2] - straight.landmarks[:2].mean(0)
        )
        assert sign * moved[axis] > 0.08 * eye_distance(straight)


def test_expressions_move_the_mouth():
    for person in people(4, 7):
        plain = face_of(person)
        smiling = face_of(person, expression=Expression(smile=1))
        width = [face.landmarks[4, 0] - face.landmarks[3, 0] for face in (plain, smiling)]
        assert width[1] > 1.05 * width[0]
        assert smiling.landmarks[3:, 1].mean() < plain.landmarks[3:, 1].mean()
        gaping = face_of(person, expression=Expression(mouth_open=1))
        assert gaping.box[3] > plain.box[3]


def test_boxes_hold_the_landmarks_and_masks_hold_the_faces():
    rng = np.random.default_rng(8)
    for person in people(6, 8):
        look = sample_appearance(sample_description(person, rng), rng)
        picture = render([Sitter(person, look, Place(0.5, 0.47, 0.6))], width=160, height=160)
        face = picture.faces[0]
        x1, y1, x2, y2 = face.box
        x, y = face.landmarks.T
        assert (x > x1 - 1).all() and (x < x2 + 1).all() and (y > y1).all() and (y < y2).all()
        assert picture.mask[int(y[2]), int(x[2])] == pytest.approx(1)
        assert picture.mask[2, 2] == 0 and picture.mask.max() <= 1
        assert face.visible == 1 and face.pose == look.pose


def test_who_stands_in_front_hides_who_stands_behind():
    back, front = people(2, 9)
    places = Place(0.5, 0.47, 0.6), Place(0.62, 0.5, 0.6)
    both = render(
        [Sitter(back, Appearance(), places[0]), Sitter(front, Appearance(), places[1])], width=160, height=160
    )
    assert both.faces[0].visible < 0.8 and both.faces[1].visible == 1
    beside = render([Sitter(back, Appearance(), Place(0, 0.47, 0.6))], width=160, height=160)
    assert 0.2 < beside.faces[0].visible < 0.8


def test_light_comes_from_where_it_is_said_to():
    for person in people(3, 10):
        halves = {}
        for azimuth in (-50, 50):
            sitter = Sitter(person, Appearance(light=Light(azimuth=azimuth, ambient=0.3)), Place(0.5, 0.47, 0.6))
            picture = render([sitter], Background(brightness=0.3), CLEAN, 160, 160)
            x, y = picture.faces[0].landmarks[2]
            face = picture.pixels[int(y) - 15 : int(y) + 15].astype(float)
            halves[azimuth] = face[:, int(x) - 22 : int(x) - 4].mean(), face[:, int(x) + 4 : int(x) + 22].mean()
        assert halves[-50][0] > 1.1 * halves[-50][1] and halves[50][1] > 1.1 * halves[50][0]


def test_skin_and_hair_have_the_colour_they_should():
    base = people(1, 11)[0].model_copy(update={"femininity": 0.2})
    shades = []
    for tone in (0.0, 0.5, 1.0):
        person = base.model_copy(update={"skin_tone": tone})
        picture = render([Sitter(person, Appearance(), Place(0.5, 0.47, 0.6))], camera=CLEAN, width=160, height=160)
        x, y = (picture.faces[0].landmarks[2] - (12, 0)).astype(int)
        shades.append(picture.pixels[y - 3 : y + 3, x - 3 : x + 3].mean())
    assert shades[0] > shades[1] + 20 > shades[2] + 40


@pytest.mark.slow
def test_a_real_detector_finds_every_face_where_the_renderer_says(packs):
    detector = open_detector(f"insightface:{packs / 'mini-a'}", [])
    rng = np.random.default_rng(12)
    errors, found, faces = [], 0, 0
    for person in people(60, 12):
        look = sample_appearance(sample_description(person, rng), rng)
        turned = look.pose.model_copy(update={"yaw": float(rng.uniform(-35, 35))})
        sitter = Sitter(person, look.model_copy(update={"pose": turned}), Place(0.5, 0.47, 0.56))
        picture = render([sitter], sample_background(rng), sample_camera(rng))
        detections = detector.detect(picture.pixels)
        truth = picture.faces[0].landmarks
        faces += 1
        if len(detections) == 1:
            found += 1
            errors.append(
                np.linalg.norm(detections.landmarks[0] - truth, axis=1).mean() / eye_distance(picture.faces[0])
            )
    assert found >= 0.99 * faces
    assert np.mean(errors) < 0.09
