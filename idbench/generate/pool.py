"""The processes of a model, one per GPU: started, watched, stopped, replaced when they end.

Whatever a process does, every task gets a record: a job that takes too long or ends its process has failed; the jobs
beside it are tried again, one at a time.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from idbench.generate.process import ModelProcess, StartError, WorkerError
from idbench.generate.task import Task
from idbench.models.launch import LaunchSpec
from idbench.records import Generation

__all__ = ["ProcessPool"]

MAX_FAILURES = 5
"""Times a process may end or hang without a single answer between before its model is given up."""

MAX_STARTS = 2
"""Times a model that cannot be loaded is tried, in a row."""

Records = queue.Queue[Generation | BaseException | None]
"""What the threads hand over: records, what went wrong in a thread, and None when one is done."""


class ProcessPool:
    """The processes of one loaded model, one per GPU. Use as a context manager: they end with it.

    Parameters
    ----------
    name : what its logs are called.
    launch : how a process is started.
    devices : GPUs as CUDA_VISIBLE_DEVICES names them, None for the CPU: one process each.
    offload : one of `OFFLOADS`, to begin with.
    seconds : longest time for one image.
    scratch : folder for copies of references and for images on their way, deleted by its owner.
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
        self._failures: Counter[ModelProcess] = Counter()
        self._starts: Counter[ModelProcess] = Counter()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def __enter__(self) -> ProcessPool:
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

    def run(self, batches: Iterator[list[Task]]) -> Iterator[Generation]:
        """The records of all tasks, as they come; every task gets one.

        What `batches` raises is raised here.
        """
        self._given_up.clear()
        self._failures.clear()
        self._starts.clear()
        waiting = BatchQueue(batches, len(self._processes), self._stopped)
        records: Records = queue.Queue()
        self._threads = [
            threading.Thread(target=self._work, args=(process, waiting, records), daemon=True)
            for process in self._processes
        ]
        for thread in self._threads:
            thread.start()
        working = len(self._threads)
        while working:
            record = records.get()
            if record is None:
                working -= 1
            elif isinstance(record, BaseException):
                raise record
            else:
                yield record

    def _work(self, process: ModelProcess, waiting: BatchQueue, records: Records) -> None:
        """One thread per process: take batches until there are none."""
        try:
            while not self._stopped.is_set() and (batch := waiting.take()):
                left = self._attempt(process, batch, records)
                if left and waiting.hand_over(left):
                    break
                for task in left:
                    records.put(task.not_tried(self._given_up[process]))
        except BaseException as error:  # a full disk, an unreadable suite: the run must hear of it
            records.put(error)
        finally:
            waiting.leave()
            records.put(None)

    def _attempt(self, process: ModelProcess, batch: Sequence[Task], records: Records) -> list[Task]:
        """Ask until every task is answered; returns those left when the process is given up.

        What ended a process is tried once more, alone and in a fresh one: it may have been bad luck. Not so what took
        too long.
        """
        waiting = deque([list(batch)])
        tried: set[Task] = set()
        while waiting and process not in self._given_up and not self._stopped.is_set():
            tasks = waiting.popleft()
            try:
                for task, record in process.ask(list(tasks), self._seconds):
                    tasks.remove(task)
                    records.put(record)
                    self._failures[process] = self._starts[process] = 0
            except StartError as error:
                waiting.appendleft(tasks)
                self._starts[process] += 1
                if self._starts[process] >= MAX_STARTS:
                    self._given_up[process] = str(error)
            except WorkerError as error:
                self._failures[process] += 1
                if len(tasks) == 1 and (error.timed_out or tasks[0] in tried):
                    records.put(tasks[0].failed(str(error)))
                else:
                    tried.update(tasks if len(tasks) == 1 else ())
                    waiting.extend([task] for task in tasks)
                if self._failures[process] >= MAX_FAILURES:
                    self._given_up[process] = f"given up after {MAX_FAILURES} failures in a row, the last: {error}"
        return [] if self._stopped.is_set() else [task for tasks in waiting for task in tasks]


class BatchQueue:
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
