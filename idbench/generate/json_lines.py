"""A child process that exchanges messages with this one: one JSON object per line on its stdin and stdout.

Nothing here blocks beyond its deadline, whether the child neither reads nor writes, floods stderr or prints other text.
That the child has ended is noticed at once, even while something that it started holds its pipes open.
Lines of stdout that are no message go to the log, as does stderr, up to a limit.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from idbench.platform import describe_exit, kill_tree, prefer_as_oom_victim

__all__ = ["LOG_LIMIT", "ChildEnded", "ChildProcess", "ChildTimedOut"]

Message = dict[str, Any]

LOG_LIMIT = 8 << 20
"""Bytes of a log; further output is left out."""

LINE_LIMIT = 1 << 20
"""Bytes of a message; a longer line is logged."""

MAX_WAITING = 10_000
"""Messages kept while nobody receives them; further ones are logged."""

PIECE = 1 << 16

MAX_REST = 1 << 20
"""Bytes that are read from a pipe after its child has ended: as much as a pipe holds."""


class ChildEnded(Exception):
    """The child has ended; the message says how, with the last line it wrote."""


class ChildTimedOut(Exception):
    """The child neither read nor wrote in time."""


class _Log:
    """A log file of limited size, and the end of the output."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._room = LOG_LIMIT - path.stat().st_size
        self._end = b""

    def append(self, output: bytes) -> None:
        self._end = (self._end + output)[-4096:]
        self.write(output)

    def write(self, output: bytes) -> None:
        """Into the file, but not a part of what the child said."""
        if self._room > 0:
            self._file.write(output[: self._room])
            self._room -= len(output)
            if self._room <= 0:
                self._file.write(b"\n[the log ends here; further output is left out]\n")
            self._file.flush()

    def last_line(self) -> str:
        lines = [line.strip() for line in self._end.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"; it last said: {lines[-1][:200]}" if lines else ""

    def close(self) -> None:
        self._file.close()


class ChildProcess:
    """A child process that was started; `close` ends it and everything it started.

    Parameters
    ----------
    command, environment, folder : what is run, with which environment, and where.
    log : file that stderr and those lines of stdout that are no message are appended to.
    known : values of `type` that make a line a message.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None,
        log: Path,
        known: Collection[str],
    ) -> None:
        self._known = known
        self._log = _Log(log)
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        self._out, self._errors = _pipe(self._child.stdout), _pipe(self._child.stderr)
        self._in = _pipe(self._child.stdin)
        self._reading = selectors.DefaultSelector()
        self._end = _end_of(self._child)
        for pipe in (self._out, self._errors, self._end):
            self._reading.register(pipe, selectors.EVENT_READ)
        self._beginning = b""
        self._messages: deque[Message] = deque()
        prefer_as_oom_victim(self._child.pid)

    def send(self, message: Message, seconds: float) -> None:
        """Give the child a message.

        Raises `ChildTimedOut` if it does not read it in time, `ChildEnded` if it is gone.
        """
        left = json.dumps(message).encode() + b"\n"
        ends = time.monotonic() + seconds
        self._reading.register(self._in, selectors.EVENT_WRITE)
        try:
            while left:
                if self._has_ended:
                    raise self._ended()
                if self._in in self._wait(ends):
                    left = left[os.write(self._in, left[:PIECE]) :]
        except BrokenPipeError:
            raise self._ended() from None
        finally:
            self._reading.unregister(self._in)

    def receive(self, seconds: float) -> Message:
        """The child's next message.

        Raises `ChildTimedOut` if none comes in time, `ChildEnded` if it is gone.
        """
        ends = time.monotonic() + seconds
        while not self._messages:
            if self._out not in self._reading.get_map():
                raise self._ended()
            self._wait(ends)
        return self._messages.popleft()

    def note(self, line: str) -> None:
        """Put a line of this process's own into the log."""
        self._log.write(f"{line}\n".encode(errors="backslashreplace"))

    def kill(self) -> None:
        """End the child and everything it started, in whatever process group; from any thread."""
        kill_tree(self._child.pid)

    def close(self) -> None:
        """End the child and let go of its pipes and log; from the thread that uses them."""
        self.kill()
        self._child.wait()
        self.kill()  # what it started last
        self._reading.close()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        os.close(self._end)
        self._log.close()

    @property
    def _has_ended(self) -> bool:
        """Whether the child is known to have ended."""
        return self._end not in self._reading.get_map()

    def _wait(self, ends: float) -> set[int]:
        """Take in what the child says until something happens; returns the pipes that are ready."""
        left = ends - time.monotonic()
        ready = {key.fd for key, _ in self._reading.select(max(0.0, left))} if left > 0 else set()
        if not ready:
            raise ChildTimedOut
        for pipe in ready & {self._out, self._errors}:
            self._read(pipe)
        if self._end in ready:
            self._reading.unregister(self._end)
            self._read_rest()
        return ready

    def _read(self, pipe: int) -> int:
        """Take in one piece of what the child says; returns its size, 0 at the end of the pipe."""
        output = os.read(pipe, PIECE)
        if not output:
            self._reading.unregister(pipe)
        elif pipe == self._errors:
            self._log.append(output)
        else:
            self._take(output)
        return len(output)

    def _read_rest(self) -> None:
        """Take in what the child left in its pipes when it ended, and listen to nobody else who holds them."""
        for pipe in {self._out, self._errors} & self._reading.get_map().keys():
            left = MAX_REST
            with suppress(BlockingIOError):
                while left > 0 and (size := self._read(pipe)):
                    left -= size
            with suppress(KeyError):  # it was closed
                self._reading.unregister(pipe)

    def _take(self, output: bytes) -> None:
        """Sort whole lines into messages and the log, and keep the beginning of the next line."""
        *lines, rest = output.split(b"\n")
        for line in lines:
            self._sort(self._beginning + line)
            self._beginning = b""
        self._beginning += rest
        if len(self._beginning) > LINE_LIMIT:  # no message is so long: its pieces are logged as they come
            self._log.append(self._beginning)
            self._beginning = b""

    def _sort(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        known = isinstance(message, dict) and message.get("type") in self._known
        if known and len(self._messages) < MAX_WAITING:
            self._messages.append(message)
        else:
            self._log.append(line + b"\n")

    def _ended(self) -> ChildEnded:
        """How the child ended, with the last line it wrote."""
        with suppress(ChildTimedOut):
            ends = time.monotonic() + 2
            while self._errors in self._reading.get_map():
                self._wait(ends)
        try:
            code = self._child.wait(5)
        except subprocess.TimeoutExpired:
            return ChildEnded("(it closed its output)")
        return ChildEnded(f"({describe_exit(code)}){self._log.last_line()}")


def _end_of(child: subprocess.Popen[bytes]) -> int:
    """A descriptor that can be read, as at the end of a file, once the child has ended."""
    reading, writing = os.pipe()

    def watch() -> None:
        child.wait()
        os.close(writing)

    threading.Thread(target=watch, daemon=True).start()
    return reading


def _pipe(stream: IO[bytes] | None) -> int:
    """The descriptor of a stream, made not to block."""
    assert stream is not None
    os.set_blocking(stream.fileno(), False)
    return stream.fileno()
