"""Messages on stdin and stdout: rubbish and floods beside them stop nothing."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from support.raw_worker import MADE, log_of, outcomes, run, script

from idbench.generate.json_lines import LOG_LIMIT
from idbench.images import decode


def test_a_worker_of_standard_library_makes_images(tmp_path: Path):
    answers = run(script(tmp_path, MADE), tmp_path, batch=2)
    assert outcomes(answers) == "ggg" and all(reply.seconds == 0.1 for reply in answers.values())
    assert [decode((tmp_path / "out" / f"c{i}.png").read_bytes()).mean() for i in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("noise", "kept"),
    [
        ("print('loading weights: 100%')\n", b"loading weights"),
        ('print(\'{"type": "progress", "done": 3}\')\n', b"progress"),
        ("print('[1, 2]'); print('{broken')\n", b"{broken"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe\\x00 \\n'); sys.stdout.flush()\n", b"\xff\xfe\x00"),
        ("print('x' * 3_000_000)\n", b"xxxx"),
        ("print('[' * 900_000)\n", b"[[[["),
    ],
)
def test_rubbish_on_stdout_is_survived_and_kept_in_the_log(tmp_path: Path, noise: str, kept: bytes):
    answers = run(script(tmp_path, noise + MADE), tmp_path)
    assert outcomes(answers) == "ggg"
    assert kept in log_of(tmp_path)


def test_a_hundred_megabytes_on_stderr_stop_nothing_and_fill_no_disk(tmp_path: Path):
    flood = "os.write(2, b'y' * 10_000_000)\n" * 10
    answers = run(script(tmp_path, flood + MADE), tmp_path, count=2, seconds=60)
    assert outcomes(answers) == "gg"
    assert len(log_of(tmp_path)) < LOG_LIMIT + 100 and b"the log ends here" in log_of(tmp_path)


def test_a_flood_before_jobs_are_read_does_not_lock_both_sides(tmp_path: Path):
    """The parent writes a long message while the child writes and does not read."""
    launch = script(tmp_path, "say(type='ready', protocol=1)\nos.write(2, b'z' * 5_000_000)\n", ready=False)
    body = (tmp_path / "worker.py").read_text() + "for line in sys.stdin:\n    for job in json.loads(line)['jobs']:\n"
    (tmp_path / "worker.py").write_text(body + textwrap.indent(MADE, " " * 8))
    assert outcomes(run(launch, tmp_path, prompts={0: "long " * 100_000})) == "ggg"


def test_late_outcomes_of_a_batch_reach_the_right_jobs(tmp_path: Path):
    """Answers in any order, all at the end."""
    loop = (
        "for line in sys.stdin:\n    jobs = json.loads(line)['jobs']\n"
        "    for job in reversed(jobs): png(job['output'], job['seed'])\n"
        "    for job in reversed(jobs): say(type='outcome', id=job['id'], outcome='generated')\n"
    )
    launch = script(tmp_path, "say(type='ready', protocol=1)\n" + loop, ready=False)
    assert outcomes(run(launch, tmp_path, count=6, batch=3)) == "gggggg"
    assert [decode((tmp_path / "out" / f"c{i}.png").read_bytes()).mean() for i in range(6)] == list(range(6))
