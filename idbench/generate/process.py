"""One child process with a loaded model: started, given jobs, watched, stopped."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from idbench.generate.handover import WORKPLACE, HandedJob, read_back
from idbench.generate.json_lines import ChildEnded, ChildProcess, ChildTimedOut
from idbench.generate.replies import OUTCOMES, record_of
from idbench.generate.task import Task
from idbench.models.launch import PROTOCOL, LaunchSpec
from idbench.records import Generation
from idbench.schema import one_line

__all__ = ["LOAD_LIMIT", "Deadline", "ModelProcess", "StartError", "WorkerError"]

LOAD_LIMIT = 3600.0
"""Seconds a model may take to load."""

ANSWERS = ("ready", "failed", "loading", "loaded", "outcome")
"""Types of the messages a process sends."""

MAX_LOADS = 3
"""Times a model may be loaded again within one batch."""


class WorkerError(Exception):
    """A process that ended, took too long, or sent an invalid message; the text says which."""

    def __init__(self, text: str, timed_out: bool = False) -> None:
        super().__init__(text)
        self.timed_out = timed_out


class StartError(WorkerError):
    """A model that could not be loaded."""


class Deadline:
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
        """Loading begins or ends; beyond `MAX_LOADS` times it goes on meanwhile."""
        now = time.monotonic()
        if begins and self._since is None and self._loads < MAX_LOADS:
            self._since = now
            self._loads += 1
        elif not begins and self._since is not None:
            self._ends += now - self._since
            self._since = None


class ModelProcess:
    """One child process with a loaded model. `scratch` is a folder for copies of references and images on their way."""

    def __init__(self, launch: LaunchSpec, gpu: str | None, offload: str, scratch: Path, log: Path) -> None:
        device = "cpu" if gpu is None else "cuda"
        self._hello = launch.hello | {"type": "hello", "protocol": PROTOCOL, "device": device, "offload": offload}
        self._launch = launch
        self._gpu = gpu
        self._scratch = scratch
        self._log = log
        self._child: ChildProcess | None = None
        self._place: Path | None = None
        self._handed: dict[int, HandedJob] = {}
        self._asked = 0

    def ask(self, tasks: Sequence[Task], seconds: float) -> Iterator[tuple[Task, Generation]]:
        """Give tasks and hand out records as they come, `seconds` for each. Raises `WorkerError`, the process gone."""
        if self._child is None:
            self._start()
        waiting = {self._asked + i: task for i, task in enumerate(tasks)}
        self._asked += len(tasks)
        what = f"{seconds:g} s for an image"
        messages = [self._hand_over(i, task) for i, task in waiting.items()]
        deadline = Deadline(seconds * len(waiting))
        self._send({"type": "jobs", "jobs": messages}, deadline.left)
        while waiting:
            heard = self._receive(deadline.left, what)
            if heard["type"] == "outcome":
                number, generation = self._outcome(heard, waiting)
                yield waiting.pop(number), generation
            elif heard["type"] in ("loading", "loaded"):
                deadline.loading(heard["type"] == "loading")
            else:
                raise self._invalid(heard)

    def kill(self) -> None:
        """End the process and everything it started; from any thread. Who asks it finds out and tidies up."""
        child = self._child
        if child is not None:
            child.kill()

    def stop(self) -> None:
        """End the process and everything it started; from the thread that asks it, or when none does."""
        if self._child is not None:
            self._child.close()
            self._child = None
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
            self._place = None
        self._handed.clear()

    def _start(self) -> None:
        """Start the process and load the model. Raises `StartError` with the reason."""
        environment = self._environment()
        # A folder of its own for every start: what an earlier process still writes is nobody's image.
        self._place = Path(tempfile.mkdtemp(prefix=f"{self._log.stem}-", dir=self._scratch)).absolute()
        deadline = Deadline(LOAD_LIMIT)
        try:
            self._child = ChildProcess(self._launch.command, environment, self._launch.folder, self._log, ANSWERS)
            self._send(self._hello, deadline.left)
            answer = self._receive(deadline.left, "loading")
            while answer["type"] in ("loading", "loaded"):
                answer = self._receive(deadline.left, "loading")
        except (WorkerError, OSError) as error:
            raise StartError(f"the model could not be loaded: {error}") from error
        reason = answer.get("error", f"it began with '{answer['type']}'")
        if answer["type"] == "ready" and answer.get("protocol") != PROTOCOL:
            reason = f"its protocol is {json.dumps(answer.get('protocol'))}, expected the number {PROTOCOL}"
        elif answer["type"] == "ready":
            return
        self.stop()
        raise StartError(f"the model could not be loaded: {one_line(reason)}")

    def _environment(self) -> dict[str, str]:
        """This process's own, less what is hidden and where the user was, with what the model asks for."""
        hidden = {*self._launch.hidden, "OLDPWD"} | ({"PWD"} if self._launch.folder is not None else set())
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment |= {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
        own = {"CUDA_VISIBLE_DEVICES": self._gpu or "", WORKPLACE: str(self._scratch.absolute())}
        return {**environment, **self._launch.environment, **own}

    def _send(self, message: dict[str, Any], seconds: float) -> None:
        assert self._child is not None
        try:
            self._child.send(message, seconds)
        except (ChildTimedOut, ChildEnded) as error:
            raise self._worker_error(error, "it does not read its jobs") from error

    def _receive(self, seconds: float, what: str) -> dict[str, Any]:
        assert self._child is not None
        try:
            return self._child.receive(seconds)
        except (ChildTimedOut, ChildEnded) as error:
            raise self._worker_error(error, what) from error

    def _worker_error(self, error: Exception, what: str) -> WorkerError:
        text = read_back(f"the model's process ended {error}", self._handed.values())
        self.stop()
        if isinstance(error, ChildTimedOut):
            return WorkerError(f"took longer than the time limit ({what})", timed_out=True)
        return WorkerError(text)

    def _invalid(self, heard: dict[str, Any]) -> WorkerError:
        self.stop()
        return WorkerError(f"the model's process sent an invalid message: {json.dumps(heard)[:100]}")

    def _outcome(self, heard: dict[str, Any], waiting: Mapping[int, Task]) -> tuple[int, Generation]:
        """Which task an outcome is for, its image put in its place; raises `WorkerError` for an outcome of no task."""
        number = heard.get("id")
        if type(number) is not int or number not in waiting or heard.get("outcome") not in OUTCOMES:
            raise self._invalid(heard)
        handed = self._handed.pop(number)
        if isinstance(heard.get("error"), str):
            heard = heard | {"error": read_back(heard["error"], [handed])}
        generation = record_of(heard, waiting[number], handed.image)
        handed.forget()
        return number, generation

    def _hand_over(self, number: int, task: Task) -> dict[str, Any]:
        """The message of a task, its references copied for this process alone; the log says which case it is."""
        assert self._child is not None and self._place is not None
        handed = HandedJob.at(self._place / str(number), number, task.job)
        self._handed[number] = handed
        case, opaque = task.job.case, handed.message["case"]
        self._child.note(f"[idbench] job {number}: case {case!r}, seed {task.job.seed}; here it is called {opaque}")
        return handed.message
