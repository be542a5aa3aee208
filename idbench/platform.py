"""What differs between operating systems, in one place: cores, file locks, processes and what they leave, memory.

Linux and macOS run everything. Windows scores images that exist; models in processes of their own need POSIX pipes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType

__all__ = [
    "SYSTEM_FOLDERS",
    "LockHeldError",
    "describe_exit",
    "file_lock",
    "is_writer_gone",
    "kill_marked",
    "kill_tree",
    "note_signals",
    "peak_resident_memory",
    "prefer_as_oom_victim",
    "stop_if_interrupted",
    "total_memory",
    "usable_cores",
    "writer_mark",
]

SYSTEM_FOLDERS = ("/dev", "/proc", "/sys")
"""Folders whose files are the system itself."""

FOREIGN_AGE = 24 * 3600.0
"""Seconds after which a file that another machine was writing is taken for left over."""

CLOCK_DIFFERENCE = 60.0
"""Seconds by which the clock of a file system may differ from that of this machine."""


class LockHeldError(Exception):
    """Another process holds the lock; the message is its process id, or `unknown`."""


def usable_cores() -> int:
    """Cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    count = getattr(os, "process_cpu_count", os.cpu_count)()  # process_cpu_count is new in Python 3.13
    return int(count or 1)


_received: list[int] = []
"""Numbers of the signals that came since `note_signals`."""


def note_signals() -> list[int]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: everything tidies up on the way out.

    Returns a list that the numbers of received signals are added to, that of Ctrl-C too: libraries that are being
    imported turn its exception into others. What is ignored (`nohup`) stays ignored.
    """
    _received.clear()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    return _received


def _interrupt(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def stop_if_interrupted() -> None:
    """Raises `KeyboardInterrupt` again after a signal whose exception a library lost while it was being imported."""
    if _received:
        raise KeyboardInterrupt


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for this process. The system releases it when the process ends, however it ends.

    The file itself stays and means nothing; beside it, `path` + `.pid` names the holder while there is one.
    Raises `LockHeldError` at once if another process (or another part of this one) holds it, `OSError` if it
    cannot be written.
    """
    from filelock import FileLock, Timeout

    holder = path.with_name(path.name + ".pid")  # apart: some systems let nobody read a locked file
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockHeldError(_read_holder(holder)) from error
    try:
        holder.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read_holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
    return "unknown"


def kill_tree(leader: int) -> None:
    """Kill a process that began a session, everything in that session, and everything it started elsewhere.

    Processes of the session count even where their parent is gone. Works after the leader has ended, too.
    """
    import psutil

    members = _session(leader)
    with suppress(psutil.Error):
        members |= {child.pid for child in psutil.Process(leader).children(recursive=True)}
    for pid in members:
        with suppress(psutil.Error):
            psutil.Process(pid).kill()


def kill_marked(variable: str, folder: Path) -> None:
    """Kill every process whose environment variable `variable` names a place in `folder`, but for this process and
    those that began it.

    Processes inherit their environment, so this finds what a process started, wherever it went.
    """
    import psutil

    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # the environment of another user's process cannot be read
            place = process.environ().get(variable)
            if place and process.pid not in spared and Path(place).is_relative_to(folder):
                process.kill()


@cache
def _machine() -> int:
    """A number for this machine, or for the container whose process ids these are."""
    import platform

    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())  # Linux; elsewhere one machine has one space of process ids
    return zlib.crc32(f"{platform.node()} {space}".encode())


def writer_mark() -> str:
    """What names this process in names of files that it is still writing."""
    return f"{_machine():08x}-{os.getpid()}"


def is_writer_gone(mark: str, written: float) -> bool:
    """Whether the process of a `writer_mark` has ended; of one on another machine, whether a day has passed.

    written : when the file was last written, in seconds since the epoch.
    """
    import psutil

    machine, _, pid = mark.partition("-")
    if machine != f"{_machine():08x}":
        return time.time() - written > FOREIGN_AGE
    try:
        process = psutil.Process(int(pid))
        began_after = process.create_time() > written + CLOCK_DIFFERENCE  # the number was given again
        return bool(began_after or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _session(leader: int) -> set[int]:
    """The processes of the session that `leader` began, itself among them; on Windows only itself."""
    import psutil

    if not hasattr(os, "getsid"):
        return {leader}
    found = set()
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getsid(pid) == leader:
                found.add(pid)
    return found


def prefer_as_oom_victim(pid: int) -> None:
    """Where a machine runs out of memory altogether, let it end this process first (Linux; elsewhere nothing)."""
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")


def peak_resident_memory() -> int:
    """Most bytes of memory this process ever held."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, others KiB


def total_memory() -> int:
    """Bytes of memory this machine has."""
    import psutil

    return int(psutil.virtual_memory().total)


def describe_exit(code: int) -> str:
    """How a process ended, from its return code as `subprocess` gives it: `SIGKILL` or `exit code 1`."""
    return signal.Signals(-code).name if -code in signal.valid_signals() else f"exit code {code}"
