"""Models in processes of their own, one per GPU: started, watched, stopped, replaced when they die.

Whatever a process does, every job gets an outcome: a job that takes too long or takes its process down has
failed; the jobs beside it are tried again, one at a time.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from idbench.images import EncodedImage, digest_of
from idbench.models.base import Job
from idbench.models.host import PROTOCOL
from idbench.models.opening import ModelSpec
from idbench.store import write_bytes

__all__ = ["LOAD_LIMIT", "Crew", "Reply", "Task", "gpus"]

LOAD_LIMIT = 3600.0
"""Seconds a model may take to load."""

MOST_FAULTS = 3
"""Times a process may die or hang without a single answer between before its model is given up."""


@dataclass(frozen=True)
class Task:
    """A job and the file its image goes to."""

    job: Job
    output: Path


@dataclass(frozen=True)
class Reply:
    """What became of a task. `again` says that it was never tried, because the model did not run at all."""

    outcome: str
    error: str | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    batch: int | None = None
    offload: str | None = None
    again: bool = False


class Fault(Exception):
    """A process that died, hung, or talked rubbish; the message says which."""


class NotStarted(Fault):
    """A model that could not be loaded."""


def gpus(device: str) -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them; none for `cpu` or without NVIDIA's driver."""
    if device == "cpu":
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu.strip() for gpu in chosen.split(",") if gpu.strip() and gpu.strip() != "-1"]
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(i) for i, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


class ModelProcess:
    """One child process with a loaded model."""

    def __init__(self, spec: ModelSpec, gpu: str | None, offload: str, references: Path, log: Path) -> None:
        self._hello = {
            "type": "hello",
            "protocol": PROTOCOL,
            "name": spec.name,
            "kind": spec.kind,
            "location": spec.location,
            "given": spec.given,
            "device": "cpu" if gpu is None else "cuda",
            "offload": offload,
        }
        self._gpu = gpu
        self._references = references
        self._log = log
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def start(self) -> None:
        """Start the process and load the model. Raises `NotStarted` with the reason."""
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
        if self._gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpu
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "idbench.models.host"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=environment,
                start_new_session=True,
            )
        self._lines = queue.Queue()
        threading.Thread(target=_forward, args=(self._child.stdout, self._lines), daemon=True).start()
        try:
            self._say(self._hello)
            answer = self._hear(LOAD_LIMIT, "loading")
        except Fault as fault:
            raise NotStarted(f"the model could not be loaded: {fault}") from fault
        if answer.get("type") != "ready":
            self.stop()
            raise NotStarted(f"the model could not be loaded: {answer.get('error', 'no reason given')}")

    def ask(self, tasks: Sequence[Task], seconds: float) -> Iterator[tuple[Task, Reply]]:
        """Give tasks and hand out answers as they come, `seconds` for each. Raises `Fault`, the process being gone."""
        waiting = dict(enumerate(tasks))
        if self._child is None:
            self.start()
        self._say({"type": "jobs", "jobs": [self._message(i, task) for i, task in waiting.items()]})
        limit = seconds * len(tasks)
        while waiting:
            heard = self._hear(limit, f"{seconds:g} s for an image")
            if heard.get("type") in ("loading", "loaded"):
                limit = LOAD_LIMIT if heard["type"] == "loading" else seconds * len(waiting)
                continue
            task = waiting.pop(heard.pop("id", None), None)
            if heard.pop("type", None) != "outcome" or task is None or not heard.keys() <= Reply.__annotations__.keys():
                raise self._rubbish(json.dumps(heard))
            yield task, Reply(**heard)
            limit = seconds * len(waiting)

    def stop(self) -> None:
        """End the process and everything it started."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._child = None

    def _say(self, message: dict[str, Any]) -> None:
        assert self._child is not None and self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _hear(self, seconds: float, what: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty as error:
            self.stop()
            raise Fault(f"took longer than the time limit ({what})") from error
        if line is None:
            raise self._ended()
        try:
            return dict(json.loads(line))
        except ValueError as error:
            raise self._rubbish(line) from error

    def _rubbish(self, heard: str) -> Fault:
        self.stop()
        return Fault(f"the model's process gave an answer to no question: {heard.strip()[:100]}")

    def _ended(self) -> Fault:
        """Why the process is gone, with the last thing it said on stderr."""
        assert self._child is not None
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(5)
        code = self._child.returncode
        self.stop()
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return Fault(f"the model's process ended ({how}){_last_words(self._log)}")

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
            "output": str(task.output.absolute()),
        }

    def _on_disk(self, photo: EncodedImage) -> Path:
        if photo.path is not None:
            return photo.path.absolute()
        data = photo.read()
        path = self._references / digest_of(data)
        if not path.exists():
            write_bytes(path, data)
        return path.absolute()


def _forward(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with suppress(ValueError, OSError):  # the stream is closed when the process is stopped
        for line in stream:
            lines.put(line)
    lines.put(None)


def _last_words(log: Path) -> str:
    with suppress(OSError):
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            lines = stream.read().decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:200]}" if said else ""
    return ""


class Crew:
    """The processes of one loaded model, one per GPU. Use as a context manager: they end with it.

    Parameters
    ----------
    spec : the model; what its processes load.
    devices : GPUs as CUDA_VISIBLE_DEVICES names them, None for the CPU: one process each.
    offload : one of `OFFLOADS`, to begin with.
    seconds : longest time for one image.
    scratch : folder for references that lie in no file, deleted by its owner.
    logs : folder for what the processes write on stderr.
    """

    def __init__(
        self, spec: ModelSpec, devices: Sequence[str | None], offload: str, seconds: float, scratch: Path, logs: Path
    ) -> None:
        self._processes = [
            ModelProcess(spec, gpu, offload, scratch, logs / f"{spec.name.replace(':', '_')}-{i}.log")
            for i, gpu in enumerate(devices)
        ]
        self._seconds = seconds
        self._given_up: dict[ModelProcess, str] = {}
        self._faults: Counter[ModelProcess] = Counter()
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
            process.stop()
        for thread in self._threads:
            thread.join(10)
        for process in self._processes:  # one may have been about to start
            process.stop()

    def run(self, batches: Iterator[list[Task]]) -> Iterator[tuple[Task, Reply]]:
        """Answers to all tasks, as they come; every task gets one.

        What `batches` raises is raised here.
        """
        shift = _Shift(batches, len(self._processes))
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
            answers.put(None)

    def _attempt(self, process: ModelProcess, batch: Sequence[Task], answers: queue.Queue[Any]) -> list[Task]:
        """Ask until every task is answered; returns those left when the process is given up."""
        waiting = deque([list(batch)])
        while waiting and process not in self._given_up and not self._stopped.is_set():
            tasks = waiting.popleft()
            try:
                for task, reply in process.ask(list(tasks), self._seconds):
                    tasks.remove(task)
                    answers.put((task, reply))
                    self._faults[process] = 0
            except NotStarted as fault:
                self._given_up[process] = str(fault)
                waiting.appendleft(tasks)
            except Fault as fault:
                self._faults[process] += 1
                if len(tasks) == 1:
                    answers.put((tasks[0], Reply("generation_failed", str(fault))))
                else:
                    waiting.extend([task] for task in tasks)
                if self._faults[process] == MOST_FAULTS:
                    self._given_up[process] = f"given up after {MOST_FAULTS} failures in a row, the last: {fault}"
        return [] if self._stopped.is_set() else [task for tasks in waiting for task in tasks]


class _Shift:
    """Batches handed out to several threads. A thread whose process is given up leaves its tasks to the others."""

    def __init__(self, batches: Iterator[list[Task]], threads: int) -> None:
        self._batches = batches
        self._returned: list[list[Task]] = []
        self._active = threads
        self._lock = threading.Lock()

    def take(self) -> list[Task]:
        """The next batch; empty when there is none, and then the thread is done."""
        with self._lock:
            batch = self._returned.pop() if self._returned else next(self._batches, [])
            self._active -= not batch
            return batch

    def hand_over(self, tasks: list[Task]) -> bool:
        """Leave tasks to the other threads, if any is still at work; the caller is then done."""
        with self._lock:
            if self._active < 2:
                return False
            self._active -= 1
            self._returned.append(tasks)
            return True
