"""Faces that a detector misses at one size: found at a second look, in their place, whoever asks first."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from support.marker_faces import MarkerDetector, MeanColour, image, picture
from support.people import CLEAN, people

from idbench.faces import second_look
from idbench.faces.align import ARCFACE_112
from idbench.faces.pipeline import ImageAnalyser, Job
from idbench.faces.specs import open_detector, open_recognizers
from idbench.faces.types import Detections
from idbench.images import decode
from idbench.metrics import cosine
from idbench.store import Cache
from idbench.suites import open_suite
from idbench.synthetic import Appearance, Place, Sitter, render


def looks(detector, pixels):
    return second_look.new_faces(detector, pixels, detector.detect(pixels))


@pytest.mark.parametrize(("width", "height"), [(100, 100), (101, 333), (3000, 2000)])
def test_a_face_that_fills_the_frame_is_found_in_its_place(width, height):
    side = min(width, height) - 6
    detector = MarkerDetector()
    pixels = picture(width, height, (3, 3, side))
    known = detector.detect(pixels)
    found = second_look.new_faces(detector, pixels, known)
    assert len(known) + len(found) == 1
    box = (known.boxes if len(known) else found.boxes)[0]
    assert box == pytest.approx([3, 3, 3 + side, 3 + side], abs=max(2, 2 * max(width, height) / second_look.MAX_SIDE))


@pytest.mark.parametrize("left", [5, 960, 1230, 2000, 3890])
def test_a_small_face_in_a_large_picture_is_found_once(left):
    """Wherever tiles overlap or cut it."""
    found = looks(MarkerDetector(), picture(4000, 3000, (left, 1234, 100)))
    assert found.boxes.tolist() == [[left, 1234, left + 100, 1334]]
    assert found.landmarks[0, 2] == pytest.approx([left + 50, 1234 + 55])


def test_a_small_picture_has_no_tiles_and_a_thin_one_needs_no_memory():
    detector = MarkerDetector()
    looks(detector, picture(1280, 800))
    assert detector.shown == [(800, 1280), (2560, 2560)]
    looks(detector, picture(20_000, 2))
    assert max(max(shape) for shape in detector.shown[3:]) <= max(2560, 20_000 // second_look.TILES)


def test_tiles_cover_the_picture_and_overlap():
    for length in (1281, 1600, 2561, 9999):
        side = max(second_look.MAX_SIDE, -(-length // second_look.TILES))
        starts = second_look._starts(length, side)
        assert starts[0] == 0
        assert starts[-1] == length - side
        assert all(b - a <= side * (1 - second_look.OVERLAP) + 1 for a, b in pairwise(starts))
        assert len(starts) <= 5


def test_what_the_first_look_found_stays_and_is_not_found_again():
    pixels = picture(4000, 3000, (100, 100, 300), (2000, 2000, 90), (3000, 500, 400))
    detector = MarkerDetector()
    first = detector.detect(pixels)
    assert [box[0] for box in first.boxes] == [100, 3000]
    assert [box[0] for box in looks(detector, pixels).boxes] == [2000]


def test_uncertain_faces_and_faces_in_the_padding_do_not_count():
    class Doubtful(MarkerDetector):
        def detect(self, pixels):
            corner = Detections(np.float32([[0, 0, 60, 60]]), np.float32([[[9, 9], [40, 9], [25, 25], [9, 40], [40, 40]]]), np.float32([0.9]))  # fmt: skip
            found = super().detect(pixels)
            return Detections.joined([corner, Detections(found.boxes, found.landmarks, found.scores - 0.25)])

    pixels = picture(200, 200, (10, 10, 180))
    assert len(looks(MarkerDetector(), pixels)) == 1
    assert len(second_look.new_faces(Doubtful(), pixels, Detections.none())) == 0


def test_the_second_look_only_runs_where_faces_are_missing(tmp_path):
    detector = MarkerDetector()
    analyser = ImageAnalyser(detector, [MeanColour()], cache=Cache(tmp_path))
    photo = image("two", picture(400, 300, (20, 20, 100), (250, 20, 100)))
    assert len(analyser.one(photo, people=2).faces) == 2
    assert len(detector.shown) == 1
    analyser.one(photo, people=3)
    assert len(detector.shown) == 2
    assert len(analyser.one(photo, people=4).faces) == 2
    assert len(detector.shown) == 2, "the first and the second look are kept"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_faces_depend_on_who_is_expected_and_never_on_who_asked_first(tmp_path, order):
    photo = image("mixed", picture(4000, 3000, (100, 100, 300), (2000, 2000, 90)))
    analyser = ImageAnalyser(MarkerDetector(), [MeanColour()], cache=Cache(tmp_path), workers=1)
    found = {expected: analyser.one(photo, people=expected).faces for expected in order}
    assert [len(found[expected]) for expected in range(3)] == [1, 1, 2]
    assert np.array_equal(found[2].embeddings_of_first_look("colour"), found[0].embeddings["colour"])
    assert found[2].first_look == 1
    digest = analyser.one(photo).digest
    again = ImageAnalyser(MarkerDetector(), [MeanColour()], cache=Cache(tmp_path))
    known = image("mixed", picture(1, 1)).without_bytes(digest)
    for expected, faces in found.items():
        recalled = again.one(known, people=expected).faces
        assert np.array_equal(recalled.embeddings["colour"], faces.embeddings["colour"])
        assert np.array_equal(recalled.found.boxes, faces.found.boxes)
    assert again.analysed == 0


def test_the_rule_stands_in_what_a_run_says_of_detection():
    about = ImageAnalyser(MarkerDetector(), [MeanColour()]).describe_detection()
    assert about["kind"] == "marker"
    assert about["second_look"] == second_look.describe()


def test_landmarks_that_cannot_be_are_no_face():
    good = np.float32([[30, 40], [70, 40], [50, 55], [35, 75], [65, 75]])
    marks = np.stack([good, good * 0.01 + 50, good + [0, 160], good * np.float32(np.nan), good])
    boxes = np.tile(np.float32([0, 0, 100, 100]), (5, 1))
    kept = Detections(boxes, marks, np.float32([1, 2, 3, 4, 5])).with_possible_landmarks()
    assert kept.scores.tolist() == [1, 5]


def test_a_photo_cropped_to_the_face_is_found_and_recognised(real_suite, packs):
    spec = f"insightface:{packs / 'mini-a'}"
    detector, recognizer = open_detector(None, [spec]), open_recognizers([spec])[0]
    analyser = ImageAnalyser(detector, [recognizer])
    for case in [case for case in open_suite(str(real_suite)).cases() if len(case.people) == 1][:3]:
        pixels = decode(case.target.read())
        whole = analyser.one(case.target).faces
        box = whole.found.boxes[0]
        for heights in (0.9, 1.1):
            half, centre = heights * (box[3] - box[1]) / 2, (box[:2] + box[2:]) / 2
            (x1, y1), (x2, y2) = np.maximum(np.round(centre - half), 0).astype(int), np.round(centre + half).astype(int)
            crop = image("crop", pixels[y1:y2, x1:x2])
            assert len(analyser.one(crop).faces) == 0
            found = analyser.one(crop, people=1).faces
            assert len(found) == 1
            assert cosine(found.embeddings["mini-a"][0], whole.embeddings["mini-a"][0]) > 0.9


def test_a_rendered_close_up_is_found():
    """mini finds nothing in it as it is."""
    who = people(8, seed=5)[7]
    pixels = render([Sitter(who, Appearance(), Place(0.5, 0.47, 0.5))], camera=CLEAN, width=512, height=512).pixels
    detector, recognizer = open_detector("mini", ["mini"]), open_recognizers(["mini"])[0]
    whole = detector.detect(pixels)
    box = whole.boxes[0]
    half, centre = (box[3] - box[1]) / 2, (box[:2] + box[2:]) / 2
    (x1, y1), (x2, y2) = np.round(centre - half).astype(int), np.round(centre + half).astype(int)
    crop = np.ascontiguousarray(pixels[y1:y2, x1:x2])
    assert len(detector.detect(crop)) == 0
    found = looks(detector, crop)
    assert found.boxes[0] + np.tile([x1, y1], 2) == pytest.approx(box, abs=0.15 * float(box[3] - box[1]))
    one, other = (
        recognizer.embed(ARCFACE_112.crop(image, marks, marks)[None])[0]
        for image, marks in ((crop, found.landmarks[0]), (pixels, whole.landmarks[0]))
    )
    assert cosine(one, other) > 0.7


def test_batches_and_threads_do_not_matter(tmp_path):
    photos = [image(str(k), picture(1500, 1500, (10 + k, 10, 70))) for k in range(4)]
    alone = [ImageAnalyser(MarkerDetector(), [MeanColour()]).one(photo, people=1).faces for photo in photos]
    together = ImageAnalyser(MarkerDetector(), [MeanColour()], workers=3, batch=3)
    jobs = [Job(k, photo, people=1) for k, photo in enumerate(photos)]
    for k, analysis in together.analyse(jobs):
        assert np.array_equal(analysis.faces.found.boxes, alone[k].found.boxes)
        assert len(alone[k]) == 1
