"""Models in processes of their own, one per GPU: started, watched, stopped, replaced when they die.

Whatever a process does, every job gets an outcome: a job that takes too long or takes its process down has
failed; the jobs beside it are tried again, one at a time.
"""

from __future__ import annotations

import json
import os
import queue
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idbench.generate.json_lines import Channel, Ended, Late
from idbench.generate.replies import OUTCOMES, Reply, facts_of, image_at, plain
from idbench.images import EncodedImage, digest_of
from idbench.models.base import Job
from idbench.models.launch import PROTOCOL, LaunchSpec
from idbench.store import write_bytes

__all__ = ["LOAD_LIMIT", "Crew", "Task"]

LOAD_LIMIT = 3600.0
"""Seconds a model may take to load."""

ANSWERS = ("ready", "failed", "loading", "loaded", "outcome")
"""Types of the messages a process sends."""

MAX_LOADS = 3
"""Times a model may be loaded again within one batch."""

MAX_FAULTS = 5
"""Times a process may die or hang without a single answer between before its model is given up."""

MAX_STARTS = 2
"""Times a model that cannot be loaded is tried, in a row."""


@dataclass(frozen=True, eq=False)
class Task:
    """A job and the file its image goes to."""

    job: Job
    output: Path


class Fault(Exception):
    """A process that died, hung, or talked rubbish; the message says which. `late` is for hanging."""

    late = False


class NotStarted(Fault):
    """A model that could not be loaded."""


class Clock:
    """A time limit that waits while a model is loaded again, a few times at most: talking gains no time."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._since: float | None = None
        self._loads = 0

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        if self._since is not None:
            return self._since + LOAD_LIMIT - time.monotonic()
        return self._ends - time.monotonic()

    def loading(self, begins: bool) -> None:
        """Loading begins or ends; beyond `MAX_LOADS` times the clock goes on meanwhile."""
        now = time.monotonic()
        if begins and self._since is None and self._loads < MAX_LOADS:
            self._since = now
            self._loads += 1
        elif not begins and self._since is not None:
            self._ends += now - self._since
            self._since = None


class ModelProcess:
    """One child process with a loaded model. `scratch` is a folder for references and images on their way."""

    def __init__(self, launch: LaunchSpec, gpu: str | None, offload: str, scratch: Path, log: Path) -> None:
        device = "cpu" if gpu is None else "cuda"
        self._hello = launch.hello | {"type": "hello", "protocol": PROTOCOL, "device": device, "offload": offload}
        self._launch = launch
        self._gpu = gpu
        self._scratch = scratch
        self._log = log
        self._channel: Channel | None = None
        self._place = scratch
        self._asked = 0

    def ask(self, tasks: Sequence[Task], seconds: float) -> Iterator[tuple[Task, Reply]]:
        """Give tasks and hand out answers as they come, `seconds` for each. Raises `Fault`, the process being gone."""
        if self._channel is None:
            self._start()
        waiting = {self._asked + i: task for i, task in enumerate(tasks)}
        self._asked += len(tasks)
        clock = Clock(seconds * len(waiting))
        what = f"{seconds:g} s for an image"
        self._send({"type": "jobs", "jobs": [self._message(i, task) for i, task in waiting.items()]}, clock.left)
        while waiting:
            heard = self._receive(clock.left, what)
            if heard["type"] == "outcome":
                number, reply = self._understood(heard, waiting)
                yield waiting.pop(number), reply
            elif heard["type"] in ("loading", "loaded"):
                clock.loading(heard["type"] == "loading")
            else:
                raise self._rubbish(heard)

    def kill(self) -> None:
        """End the process and everything it started; from any thread. Who asks it finds out and tidies up."""
        channel = self._channel
        if channel is not None:
            channel.kill()

    def stop(self) -> None:
        """End the process and everything it started; from the thread that asks it, or when none does."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _start(self) -> None:
        """Start the process and load the model. Raises `NotStarted` with the reason."""
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
        environment = {name: value for name, value in environment.items() if name not in self._launch.hidden}
        environment |= self._launch.environment
        environment["CUDA_VISIBLE_DEVICES"] = self._gpu or ""
        # A folder of its own for every start: what an earlier process still writes is nobody's image.
        self._place = Path(tempfile.mkdtemp(prefix=f"{self._log.stem}-", dir=self._scratch)).absolute()
        clock = Clock(LOAD_LIMIT)
        try:
            self._channel = Channel(self._launch.command, environment, self._launch.folder, self._log, ANSWERS)
            self._send(self._hello, clock.left)
            answer = self._receive(clock.left, "loading")
            while answer["type"] in ("loading", "loaded"):
                answer = self._receive(clock.left, "loading")
        except (Fault, OSError) as fault:
            raise NotStarted(f"the model could not be loaded: {fault}") from fault
        reason = answer.get("error", f"it began with '{answer['type']}'")
        if answer["type"] == "ready" and answer.get("protocol") != PROTOCOL:
            reason = f"it speaks protocol {answer.get('protocol')}, idbench speaks {PROTOCOL}"
        elif answer["type"] == "ready":
            return
        self.stop()
        raise NotStarted(f"the model could not be loaded: {plain(reason)}")

    def _send(self, message: dict[str, Any], seconds: float) -> None:
        assert self._channel is not None
        try:
            self._channel.send(message, seconds)
        except (Late, Ended) as error:
            raise self._fault(error, "it does not read its jobs") from error

    def _receive(self, seconds: float, what: str) -> dict[str, Any]:
        assert self._channel is not None
        try:
            return self._channel.receive(seconds)
        except (Late, Ended) as error:
            raise self._fault(error, what) from error

    def _fault(self, error: Exception, what: str) -> Fault:
        self.stop()
        if isinstance(error, Late):
            fault = Fault(f"took longer than the time limit ({what})")
            fault.late = True
            return fault
        return Fault(f"the model's process ended {error}")

    def _rubbish(self, heard: dict[str, Any]) -> Fault:
        self.stop()
        return Fault(f"the model's process gave an answer to no question: {json.dumps(heard)[:100]}")

    def _understood(self, heard: dict[str, Any], waiting: Mapping[int, Task]) -> tuple[int, Reply]:
        """Which task an outcome is for, its image put in its place; raises `Fault` for an outcome of no task."""
        number = heard.get("id")
        if type(number) is not int or number not in waiting or heard.get("outcome") not in OUTCOMES:
            raise self._rubbish(heard)
        task = waiting[number]
        facts = facts_of(heard, len(task.job.people))
        if heard["outcome"] != "generated":
            return number, Reply(heard["outcome"], plain(heard.get("error") or "no reason given"), **facts)
        data = image_at(self._image(number))
        if data is None:
            reason = "the model says it made an image, but no regular file is where it was to be"
            return number, Reply("generation_failed", reason, **facts)
        write_bytes(task.output, data)
        with suppress(OSError):
            self._image(number).unlink()
        return number, Reply("generated", **facts)

    def _image(self, number: int) -> Path:
        """Where the process writes an image, before it is put in its place."""
        return self._place / f"{number}.png"

    def _message(self, number: int, task: Task) -> dict[str, Any]:
        job = task.job
        people = [
            {"references": [str(self._on_disk(photo)) for photo in person.references], "box": person.box}
            for person in job.people
        ]
        return {
            "id": number,
            "case": job.case,
            "prompt": job.prompt,
            "people": people,
            "canvas": job.canvas,
            "seed": job.seed,
            "parameters": dict(job.parameters),
            "output": str(self._image(number)),
        }

    def _on_disk(self, photo: EncodedImage) -> Path:
        if photo.path is not None:
            return photo.path.absolute()
        data = photo.read()
        path = self._scratch / digest_of(data)
        if not path.exists():
            write_bytes(path, data)
        return path.absolute()


class Crew:
    """The processes of one loaded model, one per GPU. Use as a context manager: they end with it.

    Parameters
    ----------
    name : what its logs are called.
    launch : how a process is started.
    devices : GPUs as CUDA_VISIBLE_DEVICES names them, None for the CPU: one process each.
    offload : one of `OFFLOADS`, to begin with.
    seconds : longest time for one image.
    scratch : folder for references that lie in no file and for images on their way, deleted by its owner.
    logs : folder for what the processes write on stderr.
    """

    def __init__(
        self,
        name: str,
        launch: LaunchSpec,
        devices: Sequence[str | None],
        offload: str,
        seconds: float,
        scratch: Path,
        logs: Path,
    ) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._processes = [
            ModelProcess(launch, gpu, offload, scratch, logs / f"{name}-{i}.log") for i, gpu in enumerate(devices)
        ]
        self._seconds = seconds
        self._given_up: dict[ModelProcess, str] = {}
        self._faults: Counter[ModelProcess] = Counter()
        self._starts: Counter[ModelProcess] = Counter()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def given_up(self) -> list[str]:
        """Why processes were given up, one reason for each."""
        return list(self._given_up.values())

    def stop(self) -> None:
        """End every process."""
        self._stopped.set()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join(10)
        for process in self._processes:  # one may have been about to start
            process.kill()
            process.stop()

    def run(self, batches: Iterator[list[Task]]) -> Iterator[tuple[Task, Reply]]:
        """Answers to all tasks, as they come; every task gets one.

        What `batches` raises is raised here.
        """
        self._given_up.clear()
        self._faults.clear()
        self._starts.clear()
        shift = _Shift(batches, len(self._processes), self._stopped)
        answers: queue.Queue[tuple[Task, Reply] | BaseException | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._work, args=(process, shift, answers), daemon=True)
            for process in self._processes
        ]
        for thread in self._threads:
            thread.start()
        working = len(self._threads)
        while working:
            answer = answers.get()
            if answer is None:
                working -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer

    def _work(self, process: ModelProcess, shift: _Shift, answers: queue.Queue[Any]) -> None:
        """One thread per process: take batches until there are none."""
        try:
            while not self._stopped.is_set() and (batch := shift.take()):
                left = self._attempt(process, batch, answers)
                if left and shift.hand_over(left):
                    break
                for task in left:
                    answers.put((task, Reply("generation_failed", self._given_up[process], again=True)))
        except BaseException as error:  # a full disk, an unreadable suite: the run must hear of it
            answers.put(error)
        finally:
            shift.leave()
            answers.put(None)

    def _attempt(self, process: ModelProcess, batch: Sequence[Task], answers: queue.Queue[Any]) -> list[Task]:
        """Ask until every task is answered; returns those left when the process is given up.

        What took a process down is tried once more, alone and in a fresh one: it may have been bad luck. Not so
        what took too long.
        """
        waiting = deque([list(batch)])
        tried: set[Task] = set()
        while waiting and process not in self._given_up and not self._stopped.is_set():
            tasks = waiting.popleft()
            try:
                for task, reply in process.ask(list(tasks), self._seconds):
                    tasks.remove(task)
                    answers.put((task, reply))
                    self._faults[process] = self._starts[process] = 0
            except NotStarted as fault:
                waiting.appendleft(tasks)
                self._starts[process] += 1
                if self._starts[process] >= MAX_STARTS:
                    self._given_up[process] = str(fault)
            except Fault as fault:
                self._faults[process] += 1
                if len(tasks) == 1 and (fault.late or tasks[0] in tried):
                    answers.put((tasks[0], Reply("generation_failed", str(fault))))
                else:
                    tried.update(tasks if len(tasks) == 1 else ())
                    waiting.extend([task] for task in tasks)
                if self._faults[process] >= MAX_FAULTS:
                    self._given_up[process] = f"given up after {MAX_FAULTS} failures in a row, the last: {fault}"
        return [] if self._stopped.is_set() else [task for tasks in waiting for task in tasks]


class _Shift:
    """Batches handed out to several threads. A thread whose process is given up leaves its tasks to the others, so
    one without a batch waits while others still hold tasks."""

    def __init__(self, batches: Iterator[list[Task]], threads: int, stopped: threading.Event) -> None:
        self._batches = batches
        self._stopped = stopped
        self._returned: list[list[Task]] = []
        self._threads = threads
        self._busy: set[int] = set()
        self._changed = threading.Condition()

    def take(self) -> list[Task]:
        """The next batch; empty when there is none and will be none, and then the thread is done."""
        with self._changed:
            self._idle()
            while True:
                batch = self._returned.pop() if self._returned else next(self._batches, [])
                if batch or not self._busy or self._stopped.is_set():
                    break
                self._changed.wait(1)
            if batch:
                self._busy.add(threading.get_ident())
            else:
                self._threads -= 1
            return batch

    def hand_over(self, tasks: list[Task]) -> bool:
        """Leave tasks to the other threads, if there are any; the caller is then done."""
        with self._changed:
            if self._threads < 2:
                return False
            self._threads -= 1
            self._returned.append(tasks)
            self._idle()
            return True

    def leave(self) -> None:
        """The thread is done, however."""
        with self._changed:
            self._idle()

    def _idle(self) -> None:
        self._busy.discard(threading.get_ident())
        self._changed.notify_all()
