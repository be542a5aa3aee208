"""The two passes over a suite.

The suite's photos are analysed first, then every model's images, case by case in suite order. Only
one case's faces are in memory at any moment; what networks computed is kept in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from idbench.faces.pipeline import Job
from idbench.generate.ledger import Ledger, Produced
from idbench.images import EncodedImage
from idbench.records import Case
from idbench.scoring.case import CaseScorer
from idbench.scoring.context import Scoring, SuiteSide
from idbench.scoring.run_tables import RunTables
from idbench.scoring.verification import JudgedPeople
from idbench.stats import Verification
from idbench.suites import Suite, SuiteIndex, index_case

__all__ = ["index_and_analyse", "score_cases"]

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how many steps are done, and how many there are."""

NO_IMAGE = EncodedImage("no image", data=b"")


def index_and_analyse(suite: Suite, scoring: Scoring, progress: Progress) -> tuple[SuiteIndex, dict[str, str]]:
    """First pass: digest, detect and embed every photo of the suite.

    Returns the index and, for photos that could not be read, the reason by the photo's name.
    """
    index = SuiteIndex()
    total = suite.count

    def jobs() -> Iterator[Job[tuple[str, str]]]:
        for case in suite.cases():
            index.add(index_case(case))
            for job in _suite_jobs(case, "paper" in scoring.protocols):
                yield Job((case.id, job.image.name), job.image, job.view, job.encode)

    unreadable: dict[str, str] = {}
    done: set[str] = set()
    for (case_id, name), analysis in scoring.analyser.analyse(jobs()):
        if analysis.error:
            unreadable[name] = analysis.error
        if case_id not in done:
            done.add(case_id)
            progress("suite photos", len(done), total)
    progress("suite photos", len(done), len(done))
    return index, unreadable


def _suite_jobs(case: Case, with_padding: bool) -> Iterator[Job[None]]:
    if case.target is not None:
        yield Job(None, case.target, "as_is", encode=True)
    for person in case.people:
        for i, image in enumerate(person.references):
            yield Job(None, image, "as_is")
            if with_padding and i == 0:
                yield Job(None, image, "padded")


def score_cases(
    suite: Suite, index: SuiteIndex, scoring: Scoring, ledger: Ledger, run: Path, progress: Progress
) -> dict[str, Verification]:
    """Second pass: produce, analyse and score every model's images; write the run's tables.

    Returns per recognizer how well it tells the suite's people apart.
    """
    with ExitStack() as stack:
        tables = RunTables(stack, run, scoring.recognizers)
        judges = JudgedPeople(scoring.recognizers, index)
        cases: dict[str, Case] = {}
        produced: dict[tuple[str, str, int], Produced] = {}

        def jobs() -> Iterator[Job[tuple[str, str, int]]]:
            for case in suite.cases():
                cases[case.id] = case
                for producer in scoring.producers:
                    for one in producer.produce(case):
                        key = (case.id, one.model, one.seed)
                        produced[key] = one
                        yield Job(key, one.image or NO_IMAGE, encode=True)

        for done, (case_id, group) in enumerate(
            groupby(scoring.analyser.analyse(jobs()), key=lambda item: item[0][0]), start=1
        ):
            case = cases.pop(case_id)
            side = _suite_side(case, scoring)
            results = [(produced.pop(key), analysis) for key, analysis in group]
            CaseScorer(side, index, scoring, tables, judges).score(results, ledger)
            progress("generated images", done, len(index.entries))
    return judges.verifications(scoring.false_accept_rate)


def _suite_side(case: Case, scoring: Scoring) -> SuiteSide:
    """The case's photos again, now out of the cache."""
    found = iter(
        [scoring.analyser.one(j.image, j.view, j.encode) for j in _suite_jobs(case, "paper" in scoring.protocols)]
    )
    target = next(found) if case.target is not None else None
    side = SuiteSide(case, target, [])
    for person in case.people:
        photos = []
        for i, _ in enumerate(person.references):
            photos.append(next(found))
            if "paper" in scoring.protocols and i == 0:
                side.padded.append(next(found))
        side.references.append(photos)
    return side
