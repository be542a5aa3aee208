"""Workers without any help: a script that speaks JSON lines by itself, run in a pool."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from support.runs import running_children

from idbench.generate.pool import ProcessPool
from idbench.generate.task import Task
from idbench.models.base import Job
from idbench.models.launch import LaunchSpec
from idbench.records import Generation

PNG = "import zlib, struct\n" + textwrap.dedent("""
    def png(path, shade):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        rows = (b"\\0" + bytes([shade]) * 24) * 8
        data = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows))
        open(path, "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + data + chunk(b"IEND", b""))
""")


RAW = PNG + textwrap.dedent("""
    import json, os, sys, time
    def say(**message): sys.stdout.write(json.dumps(message) + "\\n"); sys.stdout.flush()
    hello = json.loads(sys.stdin.readline())
""")


def script(folder: Path, body: str, ready: bool = True) -> LaunchSpec:
    """A worker without any help: `body` runs for every job, with `job` and `say`."""
    folder.mkdir(parents=True, exist_ok=True)
    loop = "for line in sys.stdin:\n    for job in json.loads(line)['jobs']:\n" + textwrap.indent(body, " " * 8)
    text = RAW + ("say(type='ready', protocol=1)\n" + loop if ready else body)
    (folder / "worker.py").write_text(text)
    return LaunchSpec({"name": "w"}, (sys.executable, str(folder / "worker.py")), folder)


MADE = "png(job['output'], job['seed']); say(type='outcome', id=job['id'], outcome='generated', seconds=0.1)\n"


def run(
    launch: LaunchSpec,
    folder: Path,
    count: int = 3,
    batch: int = 1,
    seconds: float = 10,
    prompts: dict[int, str] | None = None,
) -> dict[str, Generation]:
    """Answers by case; each has exactly one, and nothing is left running."""
    tasks = [Task(Job(f"c{i}", (prompts or {}).get(i, ""), (), i), folder / "out" / f"c{i}.png") for i in range(count)]
    batches = iter([tasks[i : i + batch] for i in range(0, count, batch)])
    before = running_children()
    with ProcessPool("w", launch, [None], "none", seconds, folder / "scratch", folder / "logs") as pool:
        answers = [(record.case, record) for record in pool.run(batches)]
    assert sorted(case for case, _ in answers) == [f"c{i}" for i in range(count)]
    assert running_children() <= before
    return dict(answers)


def outcomes(answers: dict[str, Generation]) -> str:
    return "".join(answers[case].outcome.removeprefix("generation_")[0] for case in sorted(answers))


def log_of(folder: Path) -> bytes:
    return (folder / "logs" / "w-0.log").read_bytes()
