"""What the report's gallery shows: cases, photos, generated images, boxes and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from idbench.report.data import RunData
from idbench.report.thumbnails import Thumbnail, Thumbnails
from idbench.thumbnails import choose_cases

__all__ = ["Gallery", "build"]

METRICS = ("sim_gt", "sim_ref", "copy_paste")
Sizes = Mapping[str, tuple[float, float]]


@dataclass
class Person:
    """One person's numbers on one image under one recognizer."""

    name: str
    outcome: str
    numbers: list[float | None]


@dataclass
class Shot:
    """One picture of a case; boxes are (x, y, width, height, person) in pixels of the thumbnail."""

    kind: str
    label: str
    thumbnail: Thumbnail | None
    boxes: list[tuple[float, float, float, float, int]]
    oracle: bool = False
    position: int = 0
    outcomes: list[str] = field(default_factory=list)
    error: str = ""
    people: list[list[Person]] = field(default_factory=list)

    def means(self, recognizer: int) -> list[float | None]:
        """Mean of each metric over the people of the image."""
        columns = zip(*(p.numbers for p in self.people[recognizer]), strict=True) if self.people[recognizer] else ()
        return [_mean(column) for column in columns] or [None] * len(METRICS)


@dataclass
class CaseView:
    """A row of the gallery."""

    id: str
    subset: str
    prompt: str
    shots: list[Shot]


@dataclass
class Gallery:
    """Everything the gallery's template needs."""

    cases: list[CaseView]
    thumbnails: list[Thumbnail]
    total: int
    recognizers: list[str]
    outcomes: list[str]


def build(data: RunData) -> Gallery:
    """The cases the run made thumbnails for, with every model's images."""
    ids = sorted(data.images["case"].astype(str).unique())
    chosen = choose_cases(ids, int(data.record["config"].get("gallery", 60)))
    store = Thumbnails(data)
    protocol = data.protocols[0]
    parts = {name: _by_image(data.rows(name, protocol), chosen) for name in data.recognizers}
    sizes = _sizes(data)
    images = dict(list(data.images[data.images["case"].isin(chosen)].groupby("case")))
    suite = dict(list(data.suite[data.suite["recognizer"] == data.recognizers[0]].groupby("case")))
    cases = [_case(data, case, images[case], suite.get(case), parts, store, sizes) for case in chosen]
    seen = sorted({outcome for case in cases for shot in case.shots for outcome in shot.outcomes})
    return Gallery(cases, store.used, len(ids), data.recognizers, seen)


def _mean(values: Any) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _by_image(rows: pd.DataFrame, chosen: list[str]) -> dict[Any, list[Any]]:
    """Score rows by (case, model, seed)."""
    found: dict[Any, list[Any]] = {}
    for row in rows[rows["case"].isin(chosen)].itertuples(index=False):
        found.setdefault((row.case, row.model, row.seed), []).append(row)
    return found


def _sizes(data: RunData) -> dict[str, tuple[float, float]]:
    """Width and height of every image whose size the run recorded, by digest."""
    known: dict[str, tuple[float, float]] = {}
    for frame, columns in (
        (data.images, ["digest", "width", "height"]),
        (data.suite, ["target", "target_width", "target_height"]),
    ):
        for digest, width, height in frame[columns].dropna().itertuples(index=False):
            known[str(digest)] = (float(width), float(height))
    return known


def _case(
    data: RunData,
    case: str,
    images: pd.DataFrame,
    suite: pd.DataFrame | None,
    parts: dict[str, dict[Any, list[Any]]],
    store: Thumbnails,
    sizes: Sizes,
) -> CaseView:
    shots: list[Shot] = []
    prompt = ""
    if suite is not None:
        prompt = next(iter(suite["prompt"].dropna().astype(str)), "")
        shots = _photos(suite, store, sizes)
    order = {model: i for i, model in enumerate(data.models)}
    rows: list[Any] = sorted(images.itertuples(index=False), key=lambda r: (order[r.model], r.seed))
    several_seeds = len(set(images["seed"])) > 1
    for row in rows:
        people = [parts[name].get((case, row.model, row.seed), []) for name in data.recognizers]
        shot = _shot(row, people, store, sizes, several_seeds)
        shot.oracle, shot.position = data.is_oracle(row.model), order[row.model]
        shots.append(shot)
    return CaseView(case, str(images["subset"].iloc[0]), prompt, shots)


def _photos(suite: pd.DataFrame, store: Thumbnails, sizes: Sizes) -> list[Shot]:
    """The references, one per person, and the target."""
    rows: list[Any] = list(suite.itertuples(index=False))
    several = len(rows) > 1
    shots = []
    for row in rows:
        more = f" (first of {row.references})" if row.references > 1 else ""
        name = f"reference {row.person + 1}" if several else "reference"
        boxes = _boxes([(row, "reference_", int(row.person))], row.reference, store, sizes)
        shots.append(Shot("reference", name + more, store.get(row.reference), boxes))
    if isinstance(rows[0].target, str):
        boxes = _boxes([(r, "target_", int(r.person)) for r in rows], rows[0].target, store, sizes)
        shots.append(Shot("target", "target", store.get(rows[0].target), boxes))
    return shots


def _shot(row: Any, people: list[list[Any]], store: Thumbnails, sizes: Sizes, several_seeds: bool) -> Shot:
    label = f"{row.model}, seed {row.seed}" if several_seeds else str(row.model)
    whole = [(r, "", int(r.person)) for r in people[0] if not pd.isna(r.person)] if people else []
    boxes = _boxes(whole, row.digest, store, sizes)
    outcomes = sorted({str(r.outcome) for r in (people[0] if people else [])} or {str(row.outcome)})
    error = row.error if isinstance(row.error, str) else ""
    shot = Shot("model", label, store.get(row.digest), boxes, outcomes=outcomes, error=error)
    shot.people = [[_person(r, len(one)) for r in one] for one in people]
    return shot


def _person(row: Any, people: int) -> Person:
    values = [None if pd.isna(v := getattr(row, metric)) else float(v) for metric in METRICS]
    name = f"person {int(row.person) + 1}" if people > 1 and not pd.isna(row.person) else ""
    return Person(name, str(row.outcome), values)


def _boxes(
    rows: list[tuple[Any, str, int]], digest: Any, store: Thumbnails, sizes: Sizes
) -> list[tuple[float, float, float, float, int]]:
    """Boxes in thumbnail pixels; none where the photo's own size is not known."""
    thumbnail, size = store.get(digest), sizes.get(digest) if isinstance(digest, str) else None
    if thumbnail is None or size is None:
        return []
    sx, sy = thumbnail.width / size[0], thumbnail.height / size[1]
    found = []
    for row, prefix, person in rows:
        x1, y1, x2, y2 = (float(getattr(row, prefix + c)) for c in ("x1", "y1", "x2", "y2"))
        if all(math.isfinite(v) for v in (x1, y1, x2, y2)):
            x, y, width, height = (round(v, 1) for v in (x1 * sx, y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy))
            found.append((x, y, width, height, person))
    return found
