"""Files are whole or absent, readable to whom the umask says, and what a killed writer leaves is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from idbench.platform import CLOCK_DIFFERENCE, FOREIGN_AGE, is_writer_gone, writer_mark
from idbench.store import Cache, atomic_path, exclusive_lock, remove_left_over, write_json

DIE_WHILE_WRITING = (
    "import os, sys\nfrom pathlib import Path\nfrom idbench.store import Cache, atomic_path\n"
    "if sys.argv[1] == 'cache':\n"
    "    import numpy as np, idbench.store as store\n"
    "    store.Path.write_bytes = lambda *_: os.kill(os.getpid(), 9)\n"
    "    Cache(Path(sys.argv[2])).save('ab' * 32, {'a': np.zeros(3)})\n"
    "with atomic_path(Path(sys.argv[2]) / 'images' / 'one.png') as path:\n"
    "    path.write_bytes(b'half')\n    os.kill(os.getpid(), 9)\n"
)


def killed_writer(what: str, folder: Path) -> list[Path]:
    """What a process leaves that is killed while it writes."""
    done = subprocess.run([sys.executable, "-c", DIE_WHILE_WRITING, what, str(folder)], check=False, timeout=60)
    assert done.returncode == -9
    return sorted(folder.rglob("*.tmp"))


@pytest.fixture
def umask():
    """Sets the umask, for this test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize(("mask", "mode"), [(0o002, 0o664), (0o077, 0o600), (0o022, 0o644), (0o027, 0o640)])
def test_permissions_are_those_of_any_new_file(tmp_path, umask, mask: int, mode: int):
    umask(mask)
    write_json(tmp_path / "lab" / "run.json", {})
    with exclusive_lock(tmp_path / "run"):
        modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "run").iterdir()]
    Cache(tmp_path / "cache").save("ab" * 32, {"a": np.zeros(3)})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == set(modes) == {mode} and len(files) == 3
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o777 & ~mask


def test_what_a_killed_process_was_writing_goes_with_the_next_lock(tmp_path):
    (left,) = killed_writer("file", tmp_path / "run")
    assert left.parent.name == "images"
    with exclusive_lock(tmp_path / "run"):
        assert not list(tmp_path.rglob("*.tmp"))


def test_what_a_killed_process_was_writing_into_a_cache_goes_when_it_is_opened_next(tmp_path):
    assert len(killed_writer("cache", tmp_path)) == 1
    cache = Cache(tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    assert cache.load("ab" * 32, "a") is None


def test_what_others_are_writing_stays(tmp_path):
    with atomic_path(tmp_path / "a" / "mine.json") as mine:
        for name in (".notes.tmp", "mine.tmp", ".a.12-34.tmp"):
            (tmp_path / "a" / name).write_text("a user's")
        (tmp_path / "elsewhere").symlink_to(tmp_path / "a")
        remove_left_over(tmp_path)
        assert mine.exists() and len(list((tmp_path / "a").iterdir())) == 4
        mine.write_text("{}")
    assert (tmp_path / "a" / "mine.json").read_text() == "{}"


def test_whose_writer_is_gone():
    now, ended = time.time(), subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine, _, own = writer_mark().partition("-")
    assert not is_writer_gone(f"{machine}-{own}", now)
    assert is_writer_gone(f"{machine}-{ended.pid}", now)
    assert is_writer_gone(f"{machine}-{own}", now - 10_000_000 - CLOCK_DIFFERENCE), "the number was given again"
    assert not is_writer_gone(f"00000000-{ended.pid}", now)
    assert is_writer_gone(f"00000000-{ended.pid}", now - FOREIGN_AGE - 1)
