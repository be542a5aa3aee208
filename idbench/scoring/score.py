"""The two steps of scoring.

The suite is read once, its photos analysed and the index made; then every model's images, case by case in suite order.
Only one case's faces are in memory at any moment; what networks computed is kept in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from idbench.faces.pipeline import Job
from idbench.faces.types import Analysis
from idbench.generate.ledger import Ledger
from idbench.generate.producer import Producer
from idbench.images import EncodedImage
from idbench.progress import Progress
from idbench.records import Generation
from idbench.scoring.boxes import BoxCheck
from idbench.scoring.case import CaseScorer
from idbench.scoring.suite_side import Scoring, SuitePeople, SuiteSide
from idbench.suites import CaseEntry, Suite, SuiteIndex, with_photos
from idbench.suites.base import add_problem
from idbench.tables import RunTables

__all__ = ["index_and_analyse", "score_cases"]

NO_IMAGE = EncodedImage("no image", data=b"")


def index_and_analyse(
    suite: Suite, scoring: Scoring, scratch: Path, progress: Progress
) -> tuple[SuiteIndex, dict[str, str]]:
    """Read the suite: digest, detect and embed every photo.

    Returns the index and, for photos that could not be read, the reason by the photo's name. What the cache cannot give
    again is copied into `scratch` if it lies in no file.
    """
    index = SuiteIndex()
    unreadable: dict[str, str] = {}
    boxes = BoxCheck()
    jobs = (job for case in suite.cases() for job in scoring.photo_jobs(case))
    for _, group in groupby(scoring.analyser.analyse(jobs), key=lambda item: item[0].id):
        found = list(group)
        side = SuiteSide.of(found[0][0], (analysis for _, analysis in found), scoring.padding)
        unreadable |= {photo.name: one.error for photo, views in side.photos() for one in views if one.error}
        index.add(_entry(side, scratch))
        boxes.look_at(side)
        progress("suite photos", len(index.entries), suite.count)
    progress("suite photos", len(index.entries), len(index.entries))
    index.strange_boxes |= boxes.unused().keys()
    for case_id, problem in boxes.problems():
        add_problem(suite.problems, case_id, problem)
    return index, unreadable


def _entry(side: SuiteSide, scratch: Path) -> CaseEntry:
    """The case without the bytes of its photos, save those that must be looked at again."""
    photos = side.photos()
    not_photos = {one.digest for _, views in side.photos() for one in views if one.error}

    def seen(photo: EncodedImage) -> EncodedImage:
        views = next(photos)[1]
        kept = photo if all(view.cached for view in views) else photo.copied_to(scratch)
        return kept.without_bytes(views[0].digest)

    faces = side.target.faces if side.target is not None else None
    size = (faces.width, faces.height) if faces is not None else None
    return CaseEntry(with_photos(side.case, seen), size, frozenset(not_photos))


def score_cases(
    index: SuiteIndex, scoring: Scoring, producers: Sequence[Producer], ledger: Ledger, run: Path, progress: Progress
) -> SuitePeople:
    """Analyse and score every model's images; write the run's tables.

    Returns the suite's people, by whom recognizers are measured.
    """
    with ExitStack() as stack:
        tables = RunTables(stack, run, scoring.recognizers)
        people = SuitePeople(scoring.recognizers, index)

        def jobs() -> Iterator[Job[tuple[str, Generation, EncodedImage | None]]]:
            for entry in index.entries.values():
                for producer in producers:
                    for generation, image in producer.produce(entry.case):
                        key = (entry.id, generation, image)
                        yield Job(key, image or NO_IMAGE, encode=True, people=len(entry.case.people))

        analysed = groupby(scoring.analyser.analyse(jobs()), key=lambda item: item[0][0])
        for done, (case_id, group) in enumerate(analysed, start=1):
            case = index.entries[case_id].case
            views = (
                scoring.analyser.one(job.image, job.view, job.encode, job.people) for job in scoring.photo_jobs(case)
            )
            side = SuiteSide.of(case, views, scoring.padding)
            results = [(_settled(generation, image, seen), seen) for (_, generation, image), seen in group]
            CaseScorer(side, index, scoring, tables, people).score(results, ledger)
            progress("generated images", done, len(index.entries))
    return people


def _settled(generation: Generation, image: EncodedImage | None, seen: Analysis) -> Generation:
    """What became of an image, now that it was looked at: one that cannot be read is unreadable, whoever gave it."""
    if image is None:
        return generation
    return generation.model_copy(
        update={
            "outcome": "unreadable_image" if seen.faces is None else "generated",
            "error": seen.error,
            "path": str(image.path) if image.path is not None else None,
            "digest": seen.digest or None,
        }
    )
