"""Images that a model makes: it is asked for every job whose image is missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from idbench.errors import IdbenchError, RunError
from idbench.generate.budget import Budget
from idbench.generate.ledger import Ledger
from idbench.generate.pool import ProcessPool
from idbench.generate.producer import Produced
from idbench.generate.task import Task
from idbench.images import EncodedImage, digest_of
from idbench.models.base import Job
from idbench.models.specs import OpenedModel
from idbench.platform import usable_cores
from idbench.progress import Progress, Warn
from idbench.records import Case, Generation
from idbench.schema import counted
from idbench.store import key_of
from idbench.suites import SuiteIndex, case_filename
from idbench.threads import map_ahead

__all__ = ["ModelProducer", "replaced_line"]

TOO_MANY = "the model takes at most"
"""How the reason begins where a card refuses a case."""

FAILED = ("generation_failed", "refused")
"""Outcomes of a job without an image."""


class ModelProducer:
    """A model's images, made by the model itself and kept as `folder/<model>/<case>--<seed>.png`.

    What the ledger says the model gave with its present parameters and weights is not asked for again, images
    and failures alike (failures are with `retry_failed`, and where the model never ran); an image that is no
    longer what the ledger says is made anew.
    """

    def __init__(
        self, opened: OpenedModel, seeds: Sequence[int], folder: Path, ledger: Ledger, retry_failed: bool = False
    ) -> None:
        self.opened = opened
        self.name = opened.name
        self.seeds = seeds
        self._folder = folder / opened.name
        self._ledger = ledger
        self._retry_failed = retry_failed
        self._parameters = key_of(opened.about)
        self._missing: list[tuple[str, int]] = []
        self._settled = 0
        self.failures: Counter[str] = Counter()
        """Reasons of jobs without an image, known ones included."""
        self.not_tried = 0
        """How many jobs had no chance, because the model did not run."""
        self.stopped: str | None = None
        """Why the model was not asked for the rest; None if it was."""

    @property
    def total(self) -> int:
        """How many images are asked for, known after `settle`."""
        return self._settled + len(self._missing)

    def missing(self, cases: Iterable[Case]) -> Iterator[tuple[str, int]]:
        """Case and seed of every image that the model is to be asked for."""
        for case in cases:
            if self._refusal(case) is None:
                yield from ((case.id, seed) for seed in self.seeds if self._kept(case.id, seed) is None)

    def settle(self, cases: Sequence[Case], progress: Progress) -> set[str]:
        """Record what is known or refused already; returns the cases that lack images."""
        stage, count = f"known images of {self.name}", len(cases) * len(self.seeds)
        for case, seed in ((case, seed) for case in cases for seed in self.seeds):
            reason = self._refusal(case)
            known = self._refused(case.id, seed, reason) if reason else self._kept(case.id, seed)
            if known is None:
                self._missing.append((case.id, seed))
                continue
            self._record(known)
            self._settled += 1
            progress(stage, self._settled, count)
        if self._settled:
            progress(stage, self._settled, self._settled)
        return {case_id for case_id, _ in self._missing}

    def make(self, index: SuiteIndex, progress: Progress, warn: Warn, pool: ProcessPool | None = None) -> None:
        """Ask the model for every image that is missing after `settle`: in the pool's processes, or here."""
        if not self._missing:
            return
        if replaced := self.replaced(self._missing):
            warn(f"{self.name}: {replaced_line(replaced)}")
        tasks = (self._task(index, case_id, seed) for case_id, seed in self._missing)
        loading = f"loading {self.name}"
        if pool is not None:
            progress(loading, 0, 1)
        for done, generation in enumerate(self._make_here(tasks) if pool is None else self._make_in(pool, tasks), 1):
            if done == 1 and pool is not None:
                progress(loading, 1, 1)
            self._record(generation)
            progress(f"images of {self.name}", done, len(self._missing))
        if pool is not None:
            self._warn_of_changes(warn)

    def produce(self, case: Case) -> Iterator[Produced]:
        """Every seed's image or failure; `make` must have come before."""
        for seed in self.seeds:
            known = self._ledger.find(self.name, case.id, seed)
            if known is None:
                raise RunError(f"{self.name} was not asked for case {case.id}, seed {seed}")
            lacks = known.outcome in FAILED
            yield known, None if lacks else EncodedImage(f"{self.name}/{case.id}", path=self._path(case.id, seed))

    def _make_here(self, tasks: Iterable[Task]) -> Iterator[Generation]:
        """In threads of this process, one job at a time."""
        self.opened.model.load("cpu")
        try:
            yield from map_ahead(self._make_one, tasks, usable_cores())
        finally:
            self.opened.model.close()

    def _make_one(self, task: Task) -> Generation:
        began = time.perf_counter()
        (made,) = self.opened.model.generate([task.job])
        return task.settle(replace(made, seconds=round(time.perf_counter() - began, 3)))

    def _make_in(self, pool: ProcessPool, tasks: Iterator[Task]) -> Iterator[Generation]:
        """In processes, a batch of jobs at a time."""
        execution = self.opened.execution
        if execution.spending_cap is not None:
            return self._make_paid(pool, tasks, Budget(self.name, execution, self._ledger.path))
        return pool.run(_batches(tasks, lambda: execution.batch))

    def _make_paid(self, pool: ProcessPool, tasks: Iterator[Task], budget: Budget) -> Iterator[Generation]:
        """As above, but a batch is given only when what the one before it cost is known and leaves room for it; what
        the budget does not allow is left to another run."""
        left = 0
        for batch in _batches(tasks, lambda: min(budget.room, self.opened.execution.batch)):
            for generation in pool.run(iter([batch])):
                budget.count(generation)
                left += generation.retryable is True
                yield generation
            if pool.given_up:
                yield from (task.not_tried(pool.given_up[0]) for task in tasks)
                return
        for task in tasks:
            left += 1
            yield task.not_tried(budget.reason)
        self.stopped = budget.reason if left else None

    def _record(self, generation: Generation) -> None:
        """Keep what became of an image, and count it."""
        self._ledger.record(generation)
        self.not_tried += generation.retryable is True
        self.failures.update([generation.error or ""] * (generation.outcome in FAILED and not generation.retryable))

    def _task(self, index: SuiteIndex, case_id: str, seed: int) -> Task:
        entry, model = index.entries[case_id], self.opened.model
        truth = entry.case.truth if model.needs_truth else None
        job = Job(case_id, entry.prompt, entry.case.people, seed, entry.canvas, model.parameters, truth)
        return Task(job, self._path(case_id, seed), self.name, self._parameters)

    def _path(self, case_id: str, seed: int) -> Path:
        return self._folder / f"{case_filename(case_id)}--{seed}.png"

    def replaced(self, jobs: Iterable[tuple[str, int]]) -> int:
        """How many of these images are there, of other parameters, weights, code or versions, and are made anew."""
        return sum(self._is_replaced(*job) for job in jobs)

    def _is_replaced(self, case_id: str, seed: int) -> bool:
        """Whether an image that the ledger knows is made anew; one that a stopped run left unrecorded is nobody's."""
        known = self._ledger.find(self.name, case_id, seed)
        return known is not None and known.outcome == "generated" and self._path(case_id, seed).exists()

    def _kept(self, case_id: str, seed: int) -> Generation | None:
        """What the ledger says, if it still holds."""
        known = self._ledger.find(self.name, case_id, seed)
        if known is None or known.parameters != self._parameters or known.retryable:
            return None
        if known.outcome in FAILED:
            refused = (known.error or "").startswith(TOO_MANY)  # by the card as it was then
            return None if self._retry_failed or refused else known
        path = self._path(case_id, seed)
        try:
            whole = digest_of(path.read_bytes()) == known.digest
        except OSError:
            return None
        return known.model_copy(update={"path": str(path)}) if whole else None

    def _refused(self, case_id: str, seed: int, reason: str) -> Generation:
        return Generation(
            model=self.name, case=case_id, seed=seed, outcome="generation_failed", error=reason,
            parameters=self._parameters,
        )  # fmt: skip

    def _refusal(self, case: Case) -> str | None:
        """Why the card says that the model cannot do what a case asks; None where it can."""
        limit = self.opened.max_people
        if limit is None or len(case.people) <= limit:
            return None
        people = "person" if limit == 1 else "people"
        return f"{TOO_MANY} {limit} {people}, the case shows {len(case.people)}"

    def _warn_of_changes(self, warn: Warn) -> None:
        """One line if what decides the images is not what it was when they were begun."""
        try:
            now = self.opened.describe()
        except IdbenchError as error:
            warn(f"{self.name}: {error}")
            return
        if key_of(now) != self._parameters:
            what = first_difference(self.opened.about, now)
            warn(f"{self.name}: {what} changed while images were made; the next run makes them anew")

    def warn_of_failures(self, warn: Warn) -> None:
        """One line about images that are not there, with the most frequent reason."""
        if failed := self.failures.total():
            reason, count = self.failures.most_common(1)[0]
            first = f", {count} of them: {reason}" if count < failed else f": {reason}"
            hint = "" if reason.startswith(TOO_MANY) else "; --retry-failed asks again"
            warn(f"{self.name}: {failed} of {counted(self.total, 'image')} failed or were refused{first}{hint}")


def replaced_line(count: int) -> str:
    """What is said of images that a run replaces."""
    images = counted(count, "image")
    return (
        f"{images} of other parameters, weights, code or versions {'is' if count == 1 else 'are'} made anew; "
        "give it another name (NAME=MODEL) or --out to keep both"
    )


def first_difference(one: object, other: object) -> str:
    """Where two accounts of a model differ first: the innermost key, or a blank."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return ""
    key = min(key for key in {*one, *other} if one.get(key) != other.get(key))
    return first_difference(one.get(key), other.get(key)) or key


def _batches(tasks: Iterator[Task], size: Callable[[], int]) -> Iterator[list[Task]]:
    """Batches of as many tasks as `size` allows each time; ends where it allows none."""
    while batch := list(islice(tasks, size())):
        yield batch
