"""What differs between operating systems, in one place: cores, file locks, process trees, memory.

Linux and macOS run everything. Windows scores images that exist; models in processes of their own need POSIX pipes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

__all__ = [
    "LockHeldError",
    "describe_exit",
    "file_lock",
    "interrupt_on_termination",
    "kill_tree",
    "peak_resident_memory",
    "prefer_as_oom_victim",
    "total_memory",
    "usable_cores",
]


class LockHeldError(Exception):
    """Another process holds the lock; the message is its process id, or `unknown`."""


def usable_cores() -> int:
    """Cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    count = getattr(os, "process_cpu_count", os.cpu_count)()  # process_cpu_count is new in Python 3.13
    return int(count or 1)


def interrupt_on_termination() -> list[int]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: everything tidies up on the way out.

    Returns a list that the numbers of received signals are added to. What is ignored (`nohup`) stays ignored.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, interrupt)
    return received


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
