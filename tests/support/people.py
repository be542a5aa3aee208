"""Synthetic people, and one face rendered."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from idbench.synthetic import Appearance, Camera, Identity, Place, Sitter, render, sample_identities

CLEAN = Camera(noise=0, blur=0, jpeg=100)
SEEDS = st.integers(0, 2**31)


def people(count: int, seed: int = 0, spread: float = 1.5) -> list[Identity]:
    return sample_identities(count, np.random.default_rng(seed), spread)


def face_of(identity: Identity, size: int = 160, head: float = 0.6, **look):
    sitter = Sitter(identity, Appearance(**look), Place(0.5, 0.47, head))
    return render([sitter], camera=CLEAN, width=size, height=size).faces[0]


def eye_distance(face) -> float:
    return float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
