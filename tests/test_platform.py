"""What differs between systems: it works without Linux's own calls, locks go with their holder, trees end whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import idbench
from idbench import platform
from idbench.errors import RunError
from idbench.store import exclusive_lock

HOLD = "import sys, time\nfrom pathlib import Path\nfrom idbench.store import exclusive_lock\n" + (
    "with exclusive_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
)
WITHOUT_LINUX = """
import os, sys
if hasattr(os, "sched_getaffinity"):
    del os.sched_getaffinity
    if hasattr(os, "process_cpu_count"):  # Python 3.13 defines it by the other where there is one
        os.process_cpu_count = os.cpu_count
from pathlib import Path
write_text = Path.write_text
def refuse(path, *given, **how):
    if str(path).startswith("/proc/"):
        raise FileNotFoundError(2, "no such system here", str(path))
    return write_text(path, *given, **how)
Path.write_text = refuse
readlink = Path.readlink
def refuse_link(path):
    if str(path).startswith("/proc/"):
        raise FileNotFoundError(2, "no such system here", str(path))
    return readlink(path)
Path.readlink = refuse_link
for name in ("memfd_create", "pidfd_open", "posix_fadvise", "copy_file_range", "sched_setaffinity", "O_DIRECT", "O_TMPFILE"):
    if hasattr(os, name):
        delattr(os, name)
sys.modules["resource"] = None
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of `tmp_path / "run"`."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def test_a_lock_names_its_holder_as_often_as_it_is_asked(holder, tmp_path):
    for _ in range(3):
        with (
            pytest.raises(RunError, match=f"in use by another idbench run \\(process {holder.pid}\\)"),
            exclusive_lock(tmp_path / "run"),
        ):
            pass


def test_a_lock_goes_with_its_holder_and_what_it_leaves_fools_nobody(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / "run" / ".lock").exists()
    with exclusive_lock(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock.pid").read_text() == str(os.getpid())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".lock"]


def test_a_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), exclusive_lock(tmp_path):
        raise KeyError
    with exclusive_lock(tmp_path), pytest.raises(RunError, match=str(os.getpid())), exclusive_lock(tmp_path):
        pass


def test_cores_where_the_system_does_not_say_which_are_usable(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    if hasattr(os, "process_cpu_count"):  # Python 3.13 defines it by the other where there is one
        monkeypatch.setattr(os, "process_cpu_count", os.cpu_count)
    assert platform.usable_cores() >= 1
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    assert platform.usable_cores() == 1


def test_peak_memory_where_the_system_counts_bytes(monkeypatch):
    monkeypatch.setattr(platform.sys, "platform", "darwin")
    in_bytes = platform.peak_resident_memory()
    monkeypatch.setattr(platform.sys, "platform", "linux")
    assert platform.peak_resident_memory() >= 1024 * in_bytes > 0


def test_peak_memory_is_in_bytes():
    resident = psutil.Process().memory_info().rss
    assert 0.5 * resident < platform.peak_resident_memory() < 100 * resident


@pytest.mark.parametrize(("code", "words"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (3, "exit code 3"), (0, "exit code 0")])
def test_how_a_process_ended_in_words(code, words):
    assert platform.describe_exit(code) == words


def test_a_killed_tree_leaves_nobody_behind():
    begin = (
        "import subprocess, sys, time\n"
        'orphan = \'import subprocess; subprocess.Popen(["sleep", "591"])\'\n'
        "subprocess.run([sys.executable, '-c', orphan])\n"
        "subprocess.Popen(['sleep', '591'], process_group=0)\n"
        "subprocess.Popen(['sleep', '591'], start_new_session=True)\n"
        "print('begun', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", begin], stdout=subprocess.PIPE, start_new_session=True)
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"begun\n"
        started = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "591"]]
        assert len(started) == 3
        platform.kill_tree(child.pid)
        child.wait()
        platform.kill_tree(child.pid)
    assert not psutil.wait_procs(started, timeout=10)[1]


def test_killing_what_is_gone_is_no_error():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    platform.kill_tree(child.pid)


def test_only_platform_asks_the_system_itself():
    own = re.compile(
        r"\bfcntl\b|/proc\b|\bimport resource\b|sched_getaffinity|\bmsvcrt\b|\bgetsid\b|\bkillpg\b|\bpsutil\b|\bfilelock\b"
    )
    root = Path(idbench.__file__).parent
    found = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if own.search(path.read_text("utf-8"))}
    assert found == {"platform.py"}


def test_a_whole_run_without_linux_calls(tmp_path):
    """Rendering, faces, scores, report: `os.sched_getaffinity`, /proc and `resource` are not there."""
    script = (
        f"{WITHOUT_LINUX}\n"
        "from idbench.diagnostics.crosscheck import keep_first\n"
        "from idbench.suites import open_suite\n"
        "from idbench.cli import main\n"
        "suite = keep_first(open_suite('synthetic:small'), 2, Path('cases'))\n"
        "sys.argv = ['idbench', 'run', '--suite', str(suite), '--recognizer', 'mini', '--detector', 'mini', '--allow-mini',\n"
        "            '--resamples', '100', '--gallery', '2', '--cache', 'cache', '--clip', 'off', '--aesthetic', 'off',\n"
        "            '--out', 'run', '--quiet']\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
