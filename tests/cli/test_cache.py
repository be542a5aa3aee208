"""`idbench cache`."""

from __future__ import annotations

from support.command_line import run_main
from support.runs import idbench


def test_a_question_answered_with_no_is_one_line_and_changes_nothing(tmp_path):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "kept.npz").write_bytes(b"x")
    done = idbench("cache", "clear", "--cache", tmp_path, input="n\n")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.endswith("idbench: stopped at the question; nothing was done\n")
    assert (tmp_path / "faces" / "kept.npz").exists()


def test_clearing_a_cache_that_is_not_there(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "absent", tmp_path / "file"):
        code, out, _ = run_main(monkeypatch, capsys, "cache", "clear", "--yes", "--cache", place)
        assert (code, out) == (0, "0 entries deleted\n")
    assert (tmp_path / "file").read_text() == "mine"
