"""Images that are made here: a model asked for every job whose image is missing."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from idbench.errors import RunError, UnreadableImageError
from idbench.generate.ledger import Ledger, Produced
from idbench.generate.pool import Crew, Task
from idbench.generate.replies import Reply
from idbench.images import EncodedImage, decode, digest_of, encode_png
from idbench.models.base import Job, Model
from idbench.models.card_model import CardModel
from idbench.models.hosted import Budget, HostedModel
from idbench.models.launch import LaunchSpec
from idbench.models.specs import ModelSpec
from idbench.models.worker import WorkerModel
from idbench.platform import usable_cores
from idbench.records import Case, Generation, GenerationOutcome
from idbench.store import key_of, write_bytes
from idbench.suites import Suite, case_filename
from idbench.threads import map_ahead

__all__ = ["Making", "ModelProducer", "make_all"]

TOO_MANY = "the model takes at most"
"""How the reason begins where a card refuses a case."""

FAILED = ("generation_failed", "refused")
"""Outcomes of a job without an image."""

Progress = Callable[[str, int, int], None]
Warn = Callable[[str], None]


def _unsaid(line: str) -> None:
    """Nobody wants to hear it."""


class ModelProducer:
    """A model's images, made by the model itself and kept as `folder/<model>/<case>--<seed>.png`.

    What the ledger says the model gave with its present parameters and weights is not asked for again, images
    and failures alike (failures are with `retry_failed`, and where the model never ran); an image that is no
    longer what the ledger says is made anew.
    """

    def __init__(
        self, model: Model, seeds: Sequence[int], folder: Path, ledger: Ledger, retry_failed: bool = False
    ) -> None:
        self.model = model
        self.seeds = seeds
        self._folder = folder / model.name
        self._ledger = ledger
        self._retry_failed = retry_failed
        self.total = 0
        """How many images the suite asks for, known after `make`."""
        self.replaced = 0
        """How many images that exist the last `make` made anew."""
        self.failures: Counter[str] = Counter()
        """Reasons of jobs without an image in the last `make`, known ones included."""
        self.not_tried = 0
        """How many jobs of the last `make` had no chance, because the model did not run."""
        self._parameters = key_of(model.describe() | {"parameters": dict(model.parameters)})
        self.stopped: str | None = None
        """Why a hosted model was not asked for the rest, after `make`; None if it was."""

    @property
    def offload(self) -> str:
        """What of the model leaves the accelerator while idle, to begin with."""
        return str(self._execution("offload", "none"))

    def _execution(self, name: str, otherwise: Any) -> Any:
        return self.model.settings.execution.get(name, otherwise) if isinstance(self.model, CardModel) else otherwise

    def make(self, suite: Suite, progress: Progress, crew: Crew | None = None, warn: Warn = _unsaid) -> None:
        """Ask the model for every image that is missing: in `crew`'s processes, or here."""
        missing = self._settle(suite, progress)
        if not missing:
            return
        if self.replaced:
            warn(
                f"{self.model.name}: {self.replaced} images of other parameters, weights, code or versions are "
                "made anew; give it another name (NAME=MODEL) or --out to keep both"
            )
        stage = f"images of {self.model.name}"
        if crew is not None:
            progress(f"loading {self.model.name}", 0, 1)
        jobs = ((case, seed) for case, seed in self._all(suite) if (case.id, seed) in missing)
        if crew is None:
            made = self._make_here(jobs)
        elif isinstance(self.model, HostedModel):
            made = self._make_paid(crew, jobs, Budget(self.model, self._ledger.path))
        else:
            made = self._make_in(crew, jobs)
        for done, generation in enumerate(made, 1):
            if done == 1 and crew is not None:
                progress(f"loading {self.model.name}", 1, 1)
            self._ledger.record(generation)
            self.not_tried += generation.retryable is True
            self.failures.update([generation.error or ""] * (generation.outcome in FAILED and not generation.retryable))
            progress(stage, done, len(missing))

    def _settle(self, suite: Suite, progress: Progress) -> set[tuple[str, int]]:
        """Record what is known or refused already; returns case and seed of the rest."""
        missing: set[tuple[str, int]] = set()
        settled = 0
        for case, seed in self._all(suite):
            reason = self.refusal(case)
            known = self._failed(case.id, seed, reason) if reason else self._kept(case, seed)
            if known is None:
                missing.add((case.id, seed))
                self.replaced += self._path(case.id, seed).exists()
                continue
            self._ledger.record(known)
            self.failures.update([known.error or ""] * (known.outcome in FAILED))
            settled += 1
            progress(f"known images of {self.model.name}", settled, suite.count * len(self.seeds))
        if settled:
            progress(f"known images of {self.model.name}", settled, settled)
        self.total = settled + len(missing)
        return missing

    def missing(self, suite: Suite) -> Iterator[Job]:
        """The jobs that `make` would give to the model now."""
        for case, seed in self._all(suite):
            if self._kept(case, seed) is None and self.refusal(case) is None:
                yield self._job(case, seed)

    def produce(self, case: Case) -> Iterator[Produced]:
        """Every seed's image or failure; `make` must have come before."""
        for seed in self.seeds:
            known = self._ledger.find(self.model.name, case.id, seed)
            if known is None:
                raise RunError(f"{self.model.name} was not asked for case {case.id}, seed {seed}")
            image = EncodedImage(f"{self.model.name}/{case.id}", path=self._path(case.id, seed))
            if known.outcome in FAILED:
                yield Produced(*known.key, None, known.outcome, known.error, made=known)
            else:
                yield Produced(*known.key, image, made=known)

    def _all(self, suite: Suite) -> Iterator[tuple[Case, int]]:
        return ((case, seed) for case in suite.cases() for seed in self.seeds)

    def _make_here(self, jobs: Iterable[tuple[Case, int]]) -> Iterator[Generation]:
        """In threads of this process, one job at a time."""
        self.model.load("cpu")
        try:
            yield from map_ahead(lambda job: self._make(*job), jobs, usable_cores())
        finally:
            self.model.close()

    def _make_in(self, crew: Crew, jobs: Iterable[tuple[Case, int]]) -> Iterator[Generation]:
        """In the processes of a crew, a batch of jobs at a time."""
        tasks = self._tasks(jobs)
        batches = iter(lambda: list(islice(tasks, self._execution("batch", 1))), [])
        for task, reply in crew.run(batches):
            yield self._record(task, reply)

    def _make_paid(self, crew: Crew, jobs: Iterable[tuple[Case, int]], budget: Budget) -> Iterator[Generation]:
        """As above, but a batch is given only when what the one before it cost is known and leaves room for it; what
        the budget does not allow has failed for now."""
        tasks = self._tasks(jobs)
        while batch := list(islice(tasks, min(budget.room, self._execution("batch", 1)))):
            for task, reply in crew.run(iter([batch])):
                yield self._record(task, budget.counted(reply))
            if crew.given_up:
                for task in tasks:
                    yield self._record(task, Reply("generation_failed", crew.given_up[0], again=True))
                return
        rest = Reply("generation_failed", budget.closed, again=True)
        for task in tasks:
            budget.left = True
            yield self._record(task, rest)
        self.stopped = budget.closed if budget.left else None

    def _tasks(self, jobs: Iterable[tuple[Case, int]]) -> Iterator[Task]:
        return (Task(self._job(case, seed), self._path(case.id, seed)) for case, seed in jobs)

    def _path(self, case_id: str, seed: int) -> Path:
        return self._folder / f"{case_filename(case_id)}--{seed}.png"

    def _job(self, case: Case, seed: int) -> Job:
        truth = case.truth if self.model.needs_truth else None
        return Job(case.id, case.prompt, case.people, seed, _canvas(case), self.model.parameters, truth)

    def _kept(self, case: Case, seed: int) -> Generation | None:
        """What the ledger says, if it still holds."""
        known = self._ledger.find(self.model.name, case.id, seed)
        if known is None or known.parameters != self._parameters or known.retryable:
            return None
        if known.outcome in FAILED:
            refused = (known.error or "").startswith(TOO_MANY)  # by the card as it was then
            return None if self._retry_failed or refused else known
        path = self._path(case.id, seed)
        try:
            whole = digest_of(path.read_bytes()) == known.digest
        except OSError:
            return None
        return known.model_copy(update={"path": str(path)}) if whole else None

    def refusal(self, case: Case) -> str | None:
        """Why the card says that the model cannot do what a case asks; None where it can."""
        most = self.model.card.max_people if self.model.card else None
        if most is None or len(case.people) <= most:
            return None
        people = "person" if most == 1 else "people"
        return f"{TOO_MANY} {most} {people}, the case shows {len(case.people)}"

    def _make(self, case: Case, seed: int) -> Generation:
        began = time.perf_counter()
        (made,) = self.model.generate([self._job(case, seed)])
        about: dict[str, Any] = {"seconds": round(time.perf_counter() - began, 3)}
        about |= {"boxes": made.boxes, "cost": made.cost, "version": made.version}
        if made.pixels is None:
            outcome: GenerationOutcome = "refused" if made.refused else "generation_failed"
            return self._failed(case.id, seed, made.error or "no reason given", outcome, **about)
        path, data = self._path(case.id, seed), encode_png(made.pixels)
        write_bytes(path, data)
        return self._generated(case.id, seed, path, data, **about)

    def _record(self, task: Task, reply: Reply) -> Generation:
        """What a process's answer means for the ledger; an image it claims must be there."""
        job = task.job
        about = asdict(reply)
        about["retryable"] = True if about.pop("again") else None
        outcome, error = about.pop("outcome"), about.pop("error")
        if outcome != "generated":
            return self._failed(job.case, job.seed, error or "no reason given", outcome, **about)
        try:
            return self._generated(job.case, job.seed, task.output, task.output.read_bytes(), **about)
        except OSError as unread:
            return self._failed(job.case, job.seed, f"the image cannot be read: {unread.strerror}", **about)

    def _generated(self, case_id: str, seed: int, path: Path, data: bytes, **about: Any) -> Generation:
        return Generation(
            model=self.model.name, case=case_id, seed=seed, outcome="generated", path=str(path),
            digest=digest_of(data), parameters=self._parameters, **about,
        )  # fmt: skip

    def _failed(
        self, case_id: str, seed: int, error: str, outcome: GenerationOutcome = "generation_failed", **about: Any
    ) -> Generation:
        return Generation(
            model=self.model.name, case=case_id, seed=seed, outcome=outcome, error=error,
            parameters=self._parameters, **about,
        )  # fmt: skip


def _canvas(case: Case) -> tuple[int, int] | None:
    """Width and height of the photo that the boxes are measured in; None without boxes or such a photo."""
    if case.target is None or all(person.box is None for person in case.people):
        return None
    try:
        height, width = decode(case.target.read(), case.target.name).shape[:2]
    except UnreadableImageError:
        return None
    return width, height


def _say_failures(producer: ModelProducer, warn: Warn) -> None:
    """One line about images that are not there, with the most frequent reason."""
    if failed := producer.failures.total():
        reason, count = producer.failures.most_common(1)[0]
        most = f", {count} of them: {reason}" if count < failed else f": {reason}"
        hint = "" if reason.startswith(TOO_MANY) else "; --retry-failed asks again"
        warn(f"{producer.model.name}: {failed} of {producer.total} images failed or were refused{most}{hint}")


@dataclass(frozen=True)
class Making:
    """How models that run in processes of their own are run."""

    devices: Sequence[str | None]
    """GPUs as CUDA_VISIBLE_DEVICES names them, None for the CPU: one process each."""
    seconds: float
    """Longest time for one image."""
    run: Path
    """The run directory: scratch files and logs of the processes go there."""


def make_all(
    asked: Sequence[tuple[ModelSpec, ModelProducer]], suite: Suite, making: Making, progress: Progress, warn: Warn
) -> None:
    """Make every model's images, one model after the other; models of one sweep share loaded weights."""
    scratch = making.run / ".work"
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    crew: Crew | None = None
    loaded = ""
    try:
        for spec, producer in asked:
            if not producer.model.isolated:
                producer.make(suite, progress, warn=warn)
                continue
            wanted = _loading(spec, producer.model)
            if crew is None or loaded != wanted:
                if crew is not None:
                    crew.stop()
                crew = _crew(spec, producer, making, scratch)
                loaded = wanted
            producer.make(suite, progress, crew, warn)
            if not crew.given_up:
                _say_failures(producer, warn)
            if producer.stopped:
                warn(f"{spec.name}: {producer.stopped}; the next run asks for the rest")
            for reason in crew.given_up:
                warn(f"{spec.name}: {reason}; see {making.run / 'logs'}; the next run tries again")
    finally:
        if crew is not None:
            crew.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def _crew(spec: ModelSpec, producer: ModelProducer, making: Making, scratch: Path) -> Crew:
    """The processes of a model, not yet started."""
    devices, seconds = making.devices, making.seconds
    if isinstance(producer.model, HostedModel):
        # It has time limits of its own, and what is killed is paid for all the same.
        devices, seconds = [None], max(seconds, producer.model.patience)
    name = spec.sweep.of if spec.sweep else spec.name
    launch = _launch(spec, producer.model)
    return Crew(name, launch, devices, producer.offload, seconds, scratch, making.run / "logs")


def _launch(spec: ModelSpec, model: Model) -> LaunchSpec:
    """How a model's process is started: a worker by its card, everything else by this Python."""
    if isinstance(model, WorkerModel):
        return model.launch()
    hosted = model.card.hosted if model.card is not None else None
    return LaunchSpec.of_this_python(spec, hosted.keys if hosted else ())


def _loading(spec: ModelSpec, model: Model) -> str:
    """What must be equal for two models to run in the same processes, one after the other."""
    what = {"kind": spec.kind, "location": spec.location}
    return key_of(what | (model.loading if isinstance(model, CardModel) else {"given": spec.given}))
