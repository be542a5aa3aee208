"""The process a model runs in: `python -m idbench.generate.child`, started by `idbench.generate.process`.

It reads one JSON object per line on stdin and answers in the same way on what was stdout; whatever libraries
print goes to stderr instead. First comes `hello` with the model and the device, answered by `ready` or `failed`.
Then come `jobs`, every one answered by an `outcome`. The process ends when stdin does, at once, so that no
model outlives the run that started it.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from idbench.errors import IdbenchError, UnreadableImageError
from idbench.generate.task import Task
from idbench.images import EncodedImage
from idbench.models.base import FACTS, Generated, Job, Model
from idbench.models.execution import OFFLOADS
from idbench.models.launch import PROTOCOL
from idbench.models.specs import ModelSpec
from idbench.platform import peak_resident_memory
from idbench.records import Person
from idbench.schema import one_line

__all__ = ["ModelServer", "main"]

NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "failed to allocate memory",
    "cublas_status_alloc_failed",
    "cublas_status_not_initialized",
    "cudnn_status_alloc_failed",
)
"""How libraries say that memory ran out, in lower case."""

Message = dict[str, Any]


class ModelServer:
    """A loaded model that does batches of jobs, however little memory there is.

    When memory runs out the batch is halved; when a single job does not fit, the model is loaded again with
    more of it off the accelerator; only when nothing is left to try has the job failed. What was found to fit
    is kept to.
    """

    def __init__(self, model: Model, device: str, offload: str, send: Callable[[Message], None]) -> None:
        self._model = model
        self._device = device
        self._offload = offload
        self._send = send
        self._max_jobs = sys.maxsize

    def load(self) -> None:
        """Load the model, with more of it offloaded where memory runs out; raises what the model raises."""
        while True:
            try:
                return self._model.load(self._device, self._offload)
            except Exception as error:
                if not is_out_of_memory(error) or not self._can_offload:
                    raise
            self._offload_more()

    @property
    def _can_offload(self) -> bool:
        return self._device != "cpu" and self._offload != OFFLOADS[-1]

    def _offload_more(self) -> None:
        """Forget the model and go one step on in `OFFLOADS`."""
        self._offload = OFFLOADS[OFFLOADS.index(self._offload) + 1]
        self._send({"type": "loading", "what": f"out of memory; loading with offload={self._offload}"})
        self._model.close()
        free_memory()

    def do(self, batch: Sequence[Message]) -> None:
        """Send one outcome for every job message."""
        waiting = list(batch)
        while waiting:
            part = waiting[: self._max_jobs]
            if self._do_together(part):
                del waiting[: len(part)]

    def _do_together(self, part: Sequence[Message]) -> bool:
        """Whether the jobs were done; otherwise memory was made and they are to be tried again."""
        began = time.perf_counter()
        reset_peak_memory()
        made: list[Generated] = []
        reason, no_memory = "", False
        try:
            made = self._model.generate([job_from(message) for message in part])
            if len(made) != len(part):
                raise RuntimeError(f"{len(part)} jobs got {len(made)} answers")
        except Exception as error:  # research code raises anything
            traceback.print_exc()  # into the log; the run is told in one line
            reason, no_memory = reason_of(error), is_out_of_memory(error)
            if is_broken_device(error):  # nothing works after it; a new process may
                sys.exit(f"the device is broken: {reason}")
        # Not within the except block, whose traceback would keep the failed call's memory.
        if no_memory:
            return self._make_room(part, reason)
        if reason and len(part) > 1:  # one job must not fail the others
            for message in part:
                self.do([message])
            return True
        made = [Generated(None, reason)] if reason else made
        seconds = round((time.perf_counter() - began) / len(part), 3)
        for message, one in zip(part, made, strict=True):
            self._send_outcome(message, replace(one, seconds=seconds, batch=len(part), offload=self._offload))
        return True

    def _send_outcome(self, message: Message, made: Generated) -> None:
        """Put the image in its place and send what became of the job, with the facts that are known."""
        task = Task(job_from(message), Path(message["output"]))
        record = task.settle(replace(made, peak_memory=peak_memory()))
        facts = record.model_dump(mode="json", include={"outcome", "error", *FACTS}, exclude_none=True)
        self._send({"type": "outcome", "id": message["id"]} | facts)

    def _make_room(self, part: Sequence[Message], reason: str) -> bool:
        """Allow fewer jobs at a time, or offload more; without a way left the one job has failed."""
        free_memory()
        if len(part) > 1:
            self._max_jobs = len(part) // 2
            return False
        if not self._can_offload:
            reason = f"out of memory, even one image at a time with offload={self._offload}: {reason}"
            self._send_outcome(part[0], Generated(None, reason, batch=1))
            return True
        self._offload_more()
        self.load()
        self._send({"type": "loaded"})
        return False


def job_from(message: Message) -> Job:
    """The job of a message; references stay files until the model reads them."""
    people = tuple(
        Person(
            tuple(EncodedImage(Path(path).name, path=Path(path)) for path in person["references"]),
            box=tuple(person["box"]) if person["box"] else None,
        )
        for person in message["people"]
    )
    canvas = tuple(message["canvas"]) if message["canvas"] else None
    return Job(message["case"], message["prompt"], people, message["seed"], canvas, message["parameters"])


def reason_of(error: BaseException) -> str:
    """An error in one line of at most 300 characters."""
    text = one_line(error) or "no message"
    readable = isinstance(error, IdbenchError | UnreadableImageError)
    return one_line(text if readable else f"{type(error).__name__}: {text}")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the accelerator or beside it; torch has had several ways to say so."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return any(words in text for words in NO_MEMORY) and not isinstance(error, IdbenchError)


def is_broken_device(error: BaseException) -> bool:
    """Whether the accelerator will fail whatever comes next in this process."""
    text = str(error)
    named = type(error).__name__ == "AcceleratorError" or "CUDA error" in text or "device-side assert" in text
    return named and not is_out_of_memory(error)


def _cuda() -> Any:
    """torch.cuda where the model has loaded torch and there is a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def free_memory() -> None:
    """Let go of what is not referenced any more."""
    gc.collect()
    if cuda := _cuda():
        cuda.empty_cache()


def reset_peak_memory() -> None:
    """Begin to watch accelerator memory anew."""
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()


def peak_memory() -> int:
    """Most bytes of accelerator memory since the last reset; without one, of this process's memory ever."""
    if cuda := _cuda():
        return int(cuda.max_memory_allocated())
    return peak_resident_memory()


def main() -> None:
    """Serve the model that `hello` names until stdin ends."""
    send = _own_stdout()
    messages: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_read, args=(messages,), daemon=True).start()
    hello = messages.get()
    try:
        if hello.get("protocol") != PROTOCOL:
            raise IdbenchError(f"expected the protocol {PROTOCOL}, a number, found {json.dumps(hello.get('protocol'))}")
        spec = ModelSpec(hello["name"], hello["kind"], hello["location"], hello["given"])
        server = ModelServer(spec.open(), hello["device"], hello["offload"], send)
        server.load()
    except Exception as error:  # as above
        traceback.print_exc()
        send({"type": "failed", "error": reason_of(error)})
        return
    send({"type": "ready", "protocol": PROTOCOL})
    while True:
        server.do(messages.get()["jobs"])


def _own_stdout() -> Callable[[Message], None]:
    """Keep stdout for messages alone: what anything else prints there goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def send(message: Message) -> None:
        stream.write(json.dumps(message) + "\n")
        stream.flush()

    return send


def _read(messages: queue.Queue[Message]) -> None:
    """Hand on what comes in; when the run that started this process is gone, end at once."""
    for line in sys.stdin:
        messages.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
