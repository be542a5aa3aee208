"""The pictures `mini` learns from: rendered people, alone and in groups, with everything known about them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from idbench.images import RGB
from idbench.platform import usable_cores
from idbench.store import atomic_path, key_of
from idbench.synthetic import (
    RENDER_VERSION,
    Identity,
    Place,
    Sitter,
    render,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
    sample_identities,
    sibling,
)

Float = npt.NDArray[np.float32]

HEIGHT = 176
WIDTHS = (176, 176, 264, 352, 440)
"""Width of a picture in pixels by number of people."""

HEADS = (0.0, 0.58, 0.50, 0.47, 0.46)
"""Height of a head as a share of the picture's height by number of people."""

GROUPS = (0.02, 0.58, 0.2, 0.11, 0.09)
"""Share of pictures with no, one, ... four people."""

SIBLINGS = 0.2
"""Share of people who are a sibling of another: the recognizer must look closely."""

SHARD = 64
"""Pictures per file of the cache."""


@dataclass(frozen=True)
class Face:
    """One face of a picture: box (4,), landmarks (5, 2) in pixels, whose it is, and the share that can be seen."""

    box: Float
    landmarks: Float
    person: int
    visible: float


@dataclass(frozen=True)
class LabelledPicture:
    """RGB pixels (height, width, 3) and the faces in them."""

    pixels: RGB
    faces: tuple[Face, ...]


def people(count: int, seed: int) -> list[Identity]:
    """`count` people, some of them siblings of the one before."""
    rng = np.random.default_rng([seed, 1])
    found = sample_identities(count, rng)
    for i in range(1, count):
        if rng.random() < SIBLINGS:
            found[i] = sibling(found[i - 1], found[i], float(rng.uniform(0.3, 0.7)))
    return found


def casts(count: int, photos: int, seed: int) -> list[list[int]]:
    """Who is in each picture, so that each of `count` people is in `photos` of them and nobody twice in one."""
    rng = np.random.default_rng([seed, 2])
    found: list[list[int]] = []
    for _ in range(photos):
        waiting = list(rng.permutation(count))
        while waiting:
            size = int(rng.choice(len(GROUPS), p=GROUPS))
            found.append([int(waiting.pop()) for _ in range(min(size, len(waiting)))])
    return found


def draw(
    identities: list[Identity], cast: list[int], rng: np.random.Generator, supersampling: float
) -> LabelledPicture:
    """A picture of these people, each looking as they may; the light is the same for all."""
    looks = [sample_appearance(sample_description(identities[i], rng), rng) for i in cast]
    sitters = [
        Sitter(identities[i], look.model_copy(update={"light": looks[0].light}), place)
        for i, look, place in zip(cast, looks, places(len(cast), rng), strict=True)
    ]
    picture = render(sitters, sample_background(rng), sample_camera(rng), WIDTHS[len(cast)], HEIGHT, supersampling)
    faces = tuple(
        Face(np.asarray(face.box, np.float32), np.asarray(face.landmarks, np.float32), i, float(face.visible))
        for face, i in zip(picture.faces, cast, strict=True)
    )
    return LabelledPicture(picture.pixels, faces)


def places(size: int, rng: np.random.Generator) -> list[Place]:
    """Side by side, now and then one partly before another."""
    return [
        Place(
            x=(i + 0.5) / size + float(rng.uniform(-0.12, 0.12)) / size,
            y=float(rng.uniform(0.42, 0.54)),
            head=HEADS[size] * float(rng.uniform(0.85, 1.12)),
        )
        for i in range(size)
    ]


def _draw_shard(identities: list[Identity], part: list[list[int]], first: int, seed: int, supersampling: float,
                file: Path) -> None:  # fmt: skip
    cv2.setNumThreads(1)
    drawn = [
        draw(identities, cast, np.random.default_rng([seed, 3, first + i]), supersampling)
        for i, cast in enumerate(part)
    ]
    faces = [face for picture in drawn for face in picture.faces]
    with atomic_path(file) as path, path.open("wb") as stream:
        np.savez(
            stream,
            pixels=np.concatenate([picture.pixels.ravel() for picture in drawn]),
            shapes=np.array([picture.pixels.shape for picture in drawn]),
            counts=np.array([len(picture.faces) for picture in drawn]),
            boxes=np.array([face.box for face in faces], np.float32).reshape(-1, 4),
            landmarks=np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
            people=np.array([face.person for face in faces], np.int64),
            visible=np.array([face.visible for face in faces], np.float32),
        )


def _read_shard(file: Path) -> Iterator[LabelledPicture]:
    with np.load(file) as held:
        pixels, shapes, counts = held["pixels"], held["shapes"], held["counts"]
        rows = list(zip(held["boxes"], held["landmarks"], held["people"], held["visible"], strict=True))
    ends = np.cumsum(shapes.prod(axis=1))
    for shape, end, count, last in zip(shapes, ends, counts, np.cumsum(counts), strict=True):
        faces = tuple(Face(box, marks, int(who), float(seen)) for box, marks, who, seen in rows[last - count : last])
        yield LabelledPicture(pixels[end - shape.prod() : end].reshape(shape), faces)


def labelled_pictures(
    count: int, photos: int, seed: int, cache: Path, supersampling: float = 1.0, workers: int | None = None
) -> list[LabelledPicture]:
    """Pictures in which each of `count` people appears `photos` times; what `cache` holds is not drawn again."""
    identities = people(count, seed)
    planned = casts(count, photos, seed)
    about = {"render": RENDER_VERSION, "count": count, "photos": photos, "seed": seed, "sampling": supersampling}
    folder = cache / key_of(about)[:16]
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{first:06d}.npz" for first in range(0, len(planned), SHARD)]
    with ProcessPoolExecutor(workers or usable_cores()) as pool:
        waiting = [
            pool.submit(_draw_shard, identities, planned[first : first + SHARD], first, seed, supersampling, file)
            for first, file in zip(range(0, len(planned), SHARD), files, strict=True)
            if not file.exists()
        ]
        for future in waiting:
            future.result()
    return [picture for file in files for picture in _read_shard(file)]
