"""Alignment of faces to the template."""

from __future__ import annotations

import numpy as np
import pytest

from idbench.errors import ConfigError
from idbench.faces.align import ARCFACE_TEMPLATE, Alignment, similarity_transform


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
