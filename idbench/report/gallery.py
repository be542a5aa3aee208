"""What the report's gallery shows: cases, photos, generated images, boxes and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from idbench.report.data import RunData
from idbench.report.gallery_rows import (
    METRICS,
    ImageRow,
    PersonPhotos,
    ScoredPerson,
    image_rows,
    person_photos,
    scored_people,
)
from idbench.report.thumbnails import Thumbnail, Thumbnails
from idbench.schema import Box
from idbench.shown_cases import choose_cases

__all__ = ["CaseView", "FaceBox", "Gallery", "Numbers", "Person", "Shot", "build"]


@dataclass(frozen=True)
class FaceBox:
    """A face in pixels of the thumbnail, and the person it was taken for."""

    person: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Person:
    """One person's numbers, in the order of `METRICS`; `name` is empty where the image has one person."""

    name: str
    numbers: list[float | None]


@dataclass(frozen=True)
class Numbers:
    """An image's numbers by one recognizer."""

    people: list[Person]

    @cached_property
    def means(self) -> list[float | None]:
        """Mean of each metric over the people of the image."""
        return [_mean(person.numbers[i] for person in self.people) for i in range(len(METRICS))]


@dataclass(frozen=True)
class Shot:
    """One picture of a case, with the numbers of every recognizer."""

    kind: str
    label: str
    thumbnail: Thumbnail | None
    boxes: list[FaceBox]
    oracle: bool = False
    position: int = 0
    outcomes: list[str] = field(default_factory=list)
    error: str = ""
    numbers: list[Numbers] = field(default_factory=list)


@dataclass(frozen=True)
class CaseView:
    """A row of the gallery."""

    id: str
    subset: str
    prompt: str
    shots: list[Shot]


@dataclass(frozen=True)
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
    chosen = choose_cases(ids, data.record.config.gallery)
    maker = _CaseViews(data, chosen)
    photos = data.suite_photos[data.suite_photos["recognizer"] == data.recognizers[0]]
    photos_of = dict(list(photos[photos["case"].isin(chosen)].groupby("case")))
    images_of = dict(list(data.images[data.images["case"].isin(chosen)].groupby("case")))
    cases = [maker.view(case, images_of[case], photos_of.get(case)) for case in chosen]
    outcomes = sorted({outcome for case in cases for shot in case.shots for outcome in shot.outcomes})
    return Gallery(cases, maker.thumbnails.used, len(ids), data.recognizers, outcomes)


class _CaseViews:
    """Lays out one case after the other."""

    def __init__(self, data: RunData, chosen: Sequence[str]) -> None:
        self.thumbnails = Thumbnails([source.path for source in data.sources])
        self._oracles = data.oracles
        self._position = {model: i for i, model in enumerate(data.models)}
        self._sizes = _sizes(data)
        self._people = [scored_people(data.rows(name, data.protocols[0]), chosen) for name in data.recognizers]

    def view(self, case: str, images: pd.DataFrame, photos: pd.DataFrame | None) -> CaseView:
        """photos : the suite's; None where the suite has none of the case."""
        prompt, shots = "", list[Shot]()
        if photos is not None:
            prompt = next(iter(photos["prompt"].dropna().astype(str)), "")
            shots = list(self._photos(person_photos(photos)))
        several_seeds = len(set(images["seed"])) > 1
        for row in sorted(image_rows(images), key=lambda row: (self._position[row.model], row.seed)):
            people = [found.get((case, row.model, row.seed), []) for found in self._people]
            shots.append(self._shot(row, people, several_seeds))
        return CaseView(case, str(images["subset"].iloc[0]), prompt, shots)

    def _photos(self, people: Sequence[PersonPhotos]) -> Iterator[Shot]:
        """The references, one per person, and the target."""
        for one in people:
            name = f"reference {one.person + 1}" if len(people) > 1 else "reference"
            more = f" (first of {one.references})" if one.references > 1 else ""
            yield self._photo("reference", name + more, one.reference, [(one.person, one.reference_box)])
        if people[0].target is not None:
            yield self._photo("target", "target", people[0].target, [(one.person, one.target_box) for one in people])

    def _photo(self, kind: str, label: str, digest: str | None, faces: Iterable[tuple[int, Box | None]]) -> Shot:
        thumbnail = self.thumbnails.get(digest)
        return Shot(kind, label, thumbnail, self._boxes(digest, thumbnail, faces))

    def _shot(self, row: ImageRow, people: Sequence[Sequence[ScoredPerson]], several_seeds: bool) -> Shot:
        """Boxes and outcomes are the first recognizer's."""
        first, thumbnail = people[0], self.thumbnails.get(row.digest)
        faces = [(one.person, one.box) for one in first if one.person is not None]
        return Shot(
            "model",
            f"{row.model}, seed {row.seed}" if several_seeds else row.model,
            thumbnail,
            self._boxes(row.digest, thumbnail, faces),
            oracle=row.model in self._oracles,
            position=self._position[row.model],
            outcomes=sorted({one.outcome for one in first} or {row.outcome}),
            error=row.error,
            numbers=[_numbers(of_one) for of_one in people],
        )

    def _boxes(
        self, digest: str | None, thumbnail: Thumbnail | None, faces: Iterable[tuple[int, Box | None]]
    ) -> list[FaceBox]:
        """In thumbnail pixels; none where the photo's own size is not known."""
        size = self._sizes.get(digest or "")
        if thumbnail is None or size is None:
            return []
        sx, sy = thumbnail.width / size[0], thumbnail.height / size[1]
        found = []
        for person, box in faces:
            if box is not None:
                x1, y1, x2, y2 = box
                pixels = (x1 * sx, y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy)
                found.append(FaceBox(person, *(round(value, 1) for value in pixels)))
        return found


def _numbers(people: Sequence[ScoredPerson]) -> Numbers:
    several = len(people) > 1
    names = [f"person {one.person + 1}" if several and one.person is not None else "" for one in people]
    return Numbers([Person(name, one.numbers) for name, one in zip(names, people, strict=True)])


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _sizes(data: RunData) -> Mapping[str, tuple[float, float]]:
    """Width and height of every image whose size the run recorded, by digest."""
    images = data.images[["digest", "width", "height"]].dropna()
    names = [("target", "target_width", "target_height"), ("reference", "reference_width", "reference_height")]
    photos = [data.suite_photos.reindex(columns=list(columns)).dropna() for columns in names]
    return {
        str(digest): (float(width), float(height))
        for frame in (images, *photos)
        for digest, width, height in frame.itertuples(index=False, name=None)
    }
