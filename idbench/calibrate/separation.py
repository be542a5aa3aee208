"""How well a recognizer tells the synthetic people apart: its similarities, genuine against impostor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from idbench.metrics import cosine_matrix

__all__ = ["Similarities", "similarities"]

FACE = ["digest", "x1", "y1", "x2", "y2"]


@dataclass(frozen=True)
class Similarities:
    """Of targets to references: of the same person (n,), and of any two different people (m,)."""

    genuine: npt.NDArray[np.float64]
    impostor: npt.NDArray[np.float64]


def similarities(run: Path, recognizer: str, suite: pd.DataFrame) -> Similarities:
    """Every pair of target and reference in the scored suite, from the faces the run kept."""
    people = suite[suite["recognizer"] == recognizer]
    faces = pd.read_parquet(run / "faces" / f"{recognizer}.parquet")
    targets, references = (_embeddings(people, faces, side) for side in ("target", "reference"))
    both = np.isfinite(targets).all(axis=1) & np.isfinite(references).all(axis=1)
    names = people["identity"].to_numpy()[both]
    matrix = cosine_matrix(targets[both], references[both])
    return Similarities(np.diag(matrix), matrix[names[:, None] != names[None, :]])


def _embeddings(people: pd.DataFrame, faces: pd.DataFrame, side: str) -> npt.NDArray[Any]:
    """The embedding (n, d) of each person's face in the photo; nan where there is none."""
    boxes = [f"{side}_{corner}" for corner in FACE[1:]]
    wanted = people[[side, *boxes]].set_axis(FACE, axis=1).astype(dict.fromkeys(FACE[1:], "float32"))
    found = wanted.merge(faces.drop_duplicates(FACE), on=FACE, how="left")["embedding"]
    length = max((len(vector) for vector in found if isinstance(vector, np.ndarray)), default=1)
    return np.array([vector if isinstance(vector, np.ndarray) else np.full(length, np.nan) for vector in found])
