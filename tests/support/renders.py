"""The pinned reference renders, and the machine they depend on."""

from __future__ import annotations

import platform
from pathlib import Path

import cv2
import numpy as np
from support.people import CLEAN

from idbench.synthetic import (
    Place,
    Sitter,
    render,
    sample_appearance,
    sample_background,
    sample_description,
    sample_identities,
)

REFERENCES = Path(__file__).resolve().parent.parent / "renders"


def reference_picture(number: int) -> np.ndarray:
    rng = np.random.default_rng(1000 + number)
    person = sample_identities(1, rng)[0]
    look = sample_appearance(sample_description(person, rng), rng)
    return render([Sitter(person, look, Place(0.5, 0.47, 0.6))], sample_background(rng), CLEAN, 128, 128).pixels


def this_machine() -> dict[str, str]:
    """What the last bits of a render depend on: the array libraries, and the instructions they choose."""
    instructions = np.show_config(mode="dicts")["SIMD Extensions"]
    return {
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "machine": platform.machine(),
        "instructions": " ".join(sorted([*instructions["baseline"], *instructions.get("found", [])])),
    }
