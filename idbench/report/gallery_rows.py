"""Rows of the run's tables that the gallery shows, typed; what is not measured is None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from idbench.schema import Box

__all__ = ["METRICS", "ImageRow", "PersonPhotos", "ScoredPerson", "image_rows", "person_photos", "scored_people"]

METRICS = ["sim_gt", "sim_ref", "copy_paste"]
ImageKey = tuple[str, str, int]
"""case, model, seed"""


@dataclass(frozen=True)
class ScoredPerson:
    """One person's numbers on one image by one recognizer; the paper protocol has one row per image, no person."""

    person: int | None
    outcome: str
    numbers: list[float | None]
    box: Box | None


@dataclass(frozen=True)
class ImageRow:
    """One generated image, or why there is none."""

    model: str
    seed: int
    outcome: str
    digest: str | None
    error: str


@dataclass(frozen=True)
class PersonPhotos:
    """One person's first reference and the target, by digest, with the faces taken for the person."""

    person: int
    references: int
    reference: str | None
    reference_box: Box | None
    target: str | None
    target_box: Box | None


def scored_people(rows: pd.DataFrame, cases: Sequence[str]) -> Mapping[ImageKey, list[ScoredPerson]]:
    """Everybody's numbers on the images of some cases."""
    rows = rows[rows["case"].isin(list(cases))]
    keys = rows[["case", "model", "seed"]].itertuples(index=False, name=None)
    people = [None if math.isnan(person) else int(person) for person in rows["person"].to_numpy(float)]
    columns = (keys, people, rows["outcome"], _numbers(rows, METRICS), _boxes(rows, ""))
    found: dict[ImageKey, list[ScoredPerson]] = {}
    for key, person, outcome, numbers, box in zip(*columns, strict=True):
        found.setdefault(key, []).append(ScoredPerson(person, outcome, numbers, box))
    return found


def image_rows(images: pd.DataFrame) -> list[ImageRow]:
    """One case's images."""
    columns = (images["model"], images["seed"], images["outcome"], _texts(images["digest"]), _texts(images["error"]))
    return [
        ImageRow(str(model), int(seed), str(outcome), digest, error or "")
        for model, seed, outcome, digest, error in zip(*columns, strict=True)
    ]


def person_photos(photos: pd.DataFrame) -> list[PersonPhotos]:
    """One case's photos, a row per person."""
    columns = (
        map(int, photos["person"]),
        map(int, photos["references"]),
        _texts(photos["reference"]),
        _boxes(photos, "reference_"),
        _texts(photos["target"]),
        _boxes(photos, "target_"),
    )
    return [PersonPhotos(*row) for row in zip(*columns, strict=True)]


def _texts(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column]


def _numbers(rows: pd.DataFrame, names: list[str]) -> list[list[float | None]]:
    """The columns' values row by row."""
    return [[None if math.isnan(value) else value for value in row] for row in rows[names].to_numpy(float).tolist()]


def _boxes(rows: pd.DataFrame, prefix: str) -> list[Box | None]:
    edges = rows[[prefix + edge for edge in ("x1", "y1", "x2", "y2")]].to_numpy(float).tolist()
    return [(x1, y1, x2, y2) if math.isfinite(x1 + y1 + x2 + y2) else None for x1, y1, x2, y2 in edges]
