"""Generations: which image each model made for each case and seed, or why there is none.

A producer gives the images of one model (or the oracles), case by case. The ledger remembers what
became of each, one JSON line per generation, append-only; the last line of a key counts.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from idbench.errors import RunError, UnreadableImageError
from idbench.faces.pipeline import ImageAnalyser
from idbench.generate.oracles import PASTE_VERSION, paste_face, side_by_side
from idbench.images import EncodedImage, decode, encode_jpeg
from idbench.models.image_folder import MatchedImages
from idbench.protocols.people import case_people, largest_face, usable_faces
from idbench.records import Case, Generation, GenerationOutcome
from idbench.store import disk_errors, key_of, write_bytes
from idbench.suites import SuiteIndex, case_filename

__all__ = ["FolderProducer", "Ledger", "OracleProducer", "Produced", "Producer"]


@dataclass(frozen=True)
class Produced:
    """One generation before it is analysed. `image` is None where there is none; then `outcome` says why."""

    model: str
    case: str
    seed: int
    image: EncodedImage | None
    outcome: GenerationOutcome = "generated"
    error: str | None = None
    made: Generation | None = None
    """What the ledger says of an image that was made here."""


class Producer(Protocol):
    """Gives the generations of one or more models for a case, always the same ones."""

    def produce(self, case: Case) -> Iterator[Produced]:
        """Every model and seed expected for the case, images or reasons."""
        ...


class FolderProducer:
    """A model whose images lie in a folder.

    Every case is expected to have as many images as most cases have (of equally common counts the
    larger); the seeds a case lacks are missing images, never left out. What a case has beyond is scored.
    """

    def __init__(self, matched: MatchedImages) -> None:
        self._name = matched.name
        self._matched = matched
        self._seeds = sorted({seed for seeds in matched.files.values() for seed in seeds}) or [0]
        counts = Counter(len(seeds) for seeds in matched.files.values())
        self._expected = max(counts, key=lambda count: (counts[count], count), default=1)

    def produce(self, case: Case) -> Iterator[Produced]:
        """The folder's images of the case, then one missing image per seed it lacks."""
        found = self._matched.seeds(case.id)
        lacking = [seed for seed in self._seeds if seed not in found][: max(0, self._expected - len(found))]
        for seed in sorted([*found, *lacking]):
            if seed in found:
                yield Produced(self._name, case.id, seed, found[seed])
            else:
                reason = f"no image for case {case.id} in {self._matched.root}"
                yield Produced(self._name, case.id, seed, None, "missing_image", reason)


class OracleProducer:
    """The oracles' images; composites are kept in `folder`, pasted faces under a key of who found them."""

    def __init__(self, analyser: ImageAnalyser, index: SuiteIndex, folder: Path) -> None:
        self._analyser = analyser
        self._index = index
        self._folder = folder
        self._judge = analyser.recognizers[0].name
        finders = {"detector": analyser.detector.describe(), "judge": analyser.recognizers[0].describe()}
        self._paste_key = key_of(finders | {"version": PASTE_VERSION})[:12]

    def produce(self, case: Case) -> Iterator[Produced]:
        """All oracles, each an image or the reason why the suite allows none."""
        makers: dict[str, Callable[[Case], EncodedImage]] = {
            "oracle-target": self._target,
            "oracle-reference": self._reference,
            "oracle-paste": self._paste,
            "oracle-stranger": self._stranger,
        }
        for model, make in makers.items():
            try:
                yield Produced(model, case.id, 0, make(case))
            except (UnreadableImageError, LookupError, ValueError) as error:
                yield Produced(model, case.id, 0, None, "generation_failed", str(error.args[0]))

    @staticmethod
    def _target(case: Case) -> EncodedImage:
        if case.target is None:
            raise LookupError("the case has no target")
        return case.target

    def _composite(self, model: str, case: Case, key: str = "") -> tuple[Path, EncodedImage]:
        path = self._folder / model / key / f"{case_filename(case.id)}.jpg"
        return path, EncodedImage(f"{model}/{case.id}", path=path)

    def _reference(self, case: Case) -> EncodedImage:
        if len(case.people) == 1:
            return case.people[0].references[0]
        path, image = self._composite("oracle-reference", case)
        if not path.exists():
            photos = [decode(p.references[0].read(), p.references[0].name) for p in case.people]
            write_bytes(path, encode_jpeg(side_by_side(photos)))
        return image

    def _paste(self, case: Case) -> EncodedImage:
        path, image = self._composite("oracle-paste", case, self._paste_key)
        if path.exists():
            return image
        target = self._target(case)
        references = [person.references[0] for person in case.people]
        found = [self._analyser.one(photo).faces for photo in (target, *references)]
        boxes = [person.box for person in case.people]
        people = case_people(found[0], [[faces] for faces in found[1:]], boxes, self._judge)
        pixels = decode(target.read(), target.name)
        for person, photo, faces in zip(range(len(people)), references, found[1:], strict=True):
            goal, source = people.targets[person], largest_face(usable_faces(faces, self._judge))
            if goal is None or source is None:
                raise LookupError(f"person {person + 1} has no face in the target or the reference")
            pixels = paste_face(pixels, decode(photo.read(), photo.name), goal.landmarks, source.landmarks)
        write_bytes(path, encode_jpeg(pixels))
        return image

    def _stranger(self, case: Case) -> EncodedImage:
        other = self._index.stranger(case.id)
        target = self._index.entries[other].target if other else None
        if not target:
            raise LookupError("the suite has no other case with a target, as many people and none of the same")
        return EncodedImage(f"oracle-stranger/{other}", digest=target)


class Ledger:
    """`generations.jsonl`: appended line by line, so that a killed run loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str, int], Generation] = {}
        written = path.read_bytes() if path.exists() else b""
        *lines, broken = written.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                record = Generation.model_validate_json(line)
            except ValidationError as error:
                raise RunError(
                    f"{path}, line {number}: not a generation record; the ledger was damaged by hand?"
                ) from error
            self._known[record.key] = record
        if broken:
            self._drop_broken_end(len(written) - len(broken))

    def _drop_broken_end(self, whole: int) -> None:
        """A line without its end was being written when the run was killed, or when the disk was full."""
        with disk_errors(self.path):
            os.truncate(self.path, whole)

    def record(self, generation: Generation) -> None:
        """Append what became of a generation, unless the ledger already says exactly this."""
        if self._known.get(generation.key) == generation:
            return
        self._known[generation.key] = generation
        with disk_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(generation.model_dump_json(exclude_none=True) + "\n")

    def find(self, model: str, case: str, seed: int) -> Generation | None:
        """What is known of a generation."""
        return self._known.get((model, case, seed))

    def __len__(self) -> int:
        return len(self._known)
