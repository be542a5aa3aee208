"""Workers in other environments: whatever a child process does, every job has one outcome and others go on."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import psutil
import pytest
from helpers import CHEAP, error_line, idbench, ledger, options, real_cases, run_here, running_children
from PIL import Image

from idbench.images import decode
from idbench.models.base import Job
from idbench.models.cards import baselines_folder
from idbench.models.channel import LOG_LIMIT
from idbench.models.processes import Crew, Launch, Task
from idbench.models.replies import Reply
from idbench.records import Generation
from idbench.tables import read_tables

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


def script(folder: Path, body: str, ready: bool = True) -> Launch:
    """A worker without any help: `body` runs for every job, with `job` and `say`."""
    folder.mkdir(parents=True, exist_ok=True)
    loop = "for line in sys.stdin:\n    for job in json.loads(line)['jobs']:\n" + textwrap.indent(body, " " * 8)
    text = RAW + ("say(type='ready', protocol=1)\n" + loop if ready else body)
    (folder / "worker.py").write_text(text)
    return Launch({"name": "w"}, (sys.executable, str(folder / "worker.py")), folder)


MADE = "png(job['output'], job['seed']); say(type='outcome', id=job['id'], outcome='generated', seconds=0.1)\n"


def run(
    launch: Launch,
    folder: Path,
    count: int = 3,
    batch: int = 1,
    seconds: float = 10,
    prompts: dict[int, str] | None = None,
) -> dict[str, Reply]:
    """Answers by case; each has exactly one, and nothing is left running."""
    tasks = [Task(Job(f"c{i}", (prompts or {}).get(i, ""), (), i), folder / "out" / f"c{i}.png") for i in range(count)]
    batches = iter([tasks[i : i + batch] for i in range(0, count, batch)])
    before = running_children()
    with Crew("w", launch, [None], "none", seconds, folder / "scratch", folder / "logs") as crew:
        answers = [(task.job.case, reply) for task, reply in crew.run(batches)]
    assert sorted(case for case, _ in answers) == [f"c{i}" for i in range(count)]
    assert running_children() <= before
    return dict(answers)


def outcomes(answers: dict[str, Reply]) -> str:
    return "".join(answers[case].outcome.removeprefix("generation_")[0] for case in sorted(answers))


def log_of(folder: Path) -> bytes:
    return (folder / "logs" / "w-0.log").read_bytes()


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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("time.sleep(60)\n", "time limit"),
        ("while True: print('rubbish')\n", "time limit"),
        ("os._exit(3)\n", "exit code 3"),
        ("os.close(1); time.sleep(60)\n", "closed its output"),
        ("say(type='outcome', id=99, outcome='generated')\n", "answer to no question"),
        ("say(type='outcome', id=[], outcome='generated')\n", "answer to no question"),
        ("say(type='outcome', id=job['id'], outcome='great')\n", "answer to no question"),
        ("x = bytearray(1 << 50)\n", "MemoryError"),
        ("raise RuntimeError('a wire came off')\n", "a wire came off"),
    ],
)
def test_a_bad_job_has_an_outcome_and_the_next_are_made(tmp_path: Path, body: str, reason: str):
    bad = f"if job['seed'] == 1:\n{textwrap.indent(body, '    ')}else:\n{textwrap.indent(MADE, '    ')}"
    answers = run(script(tmp_path, bad), tmp_path, count=4, seconds=2)
    assert outcomes(answers) == "gfgg"
    assert reason in answers["c1"].error and "\n" not in answers["c1"].error


def test_a_worker_that_only_dies_is_given_up(tmp_path: Path):
    count = "open(os.path.join(os.path.dirname(__file__), 'starts'), 'a').write('x')\n"
    launch = script(tmp_path, "os._exit(1)\n")
    (tmp_path / "worker.py").write_text(PNG + "import os\n" + count + (tmp_path / "worker.py").read_text())
    answers = run(launch, tmp_path, count=8)
    assert outcomes(answers) == "f" * 8 and len((tmp_path / "starts").read_text()) == 5
    assert [answers[f"c{i}"].again for i in range(8)] == [False] * 2 + [True] * 6


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("sys.exit('no CUDA here')\n", "no CUDA here"),
        ("say(type='failed', error='weights are\\nbroken')\n", "weights are broken"),
        ("say(type='ready', protocol=7)\ntime.sleep(9)\n", "speaks protocol 7"),
        ("say(type='outcome', id=0, outcome='generated')\ntime.sleep(9)\n", "it began with 'outcome'"),
    ],
)
def test_a_worker_that_does_not_start_fails_its_jobs_for_now(tmp_path: Path, start: str, reason: str):
    answers = run(script(tmp_path, start, ready=False), tmp_path)
    assert outcomes(answers) == "fff"
    assert all(reply.again and reason in reply.error for reply in answers.values())


def test_a_program_that_is_not_there_fails_its_jobs_for_now(tmp_path: Path):
    answers = run(Launch({"name": "w"}, ("/no/such/python", "x"), tmp_path), tmp_path)
    assert outcomes(answers) == "fff" and "No such file" in answers["c0"].error


def test_images_are_taken_from_their_place_alone(tmp_path: Path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    bodies = {
        0: "png('elsewhere.png', 1); say(type='outcome', id=job['id'], outcome='generated', output='elsewhere.png')\n",
        1: f"os.symlink({str(secret)!r}, job['output']); say(type='outcome', id=job['id'], outcome='generated')\n",
        2: "os.mkdir(job['output']); say(type='outcome', id=job['id'], outcome='generated')\n",
        3: "os.mkfifo(job['output']); say(type='outcome', id=job['id'], outcome='generated')\n",
        4: MADE,
    }
    body = "".join(f"if job['seed'] == {seed}:\n{textwrap.indent(text, '    ')}" for seed, text in bodies.items())
    answers = run(script(tmp_path, body), tmp_path, count=5)
    assert outcomes(answers) == "ffffg"
    assert "no regular file" in answers["c0"].error and [p.name for p in (tmp_path / "out").iterdir()] == ["c4.png"]
    assert secret.exists()


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


@pytest.mark.parametrize("talk", ["loaded", "ready", "loading"])
def test_talking_gains_no_time(tmp_path: Path, monkeypatch, talk: str):
    monkeypatch.setattr("idbench.models.processes.LOAD_LIMIT", 3.0)
    began = time.monotonic()
    answers = run(script(tmp_path, f"while True: say(type={talk!r}); time.sleep(0.1)\n"), tmp_path, count=1, seconds=1)
    assert outcomes(answers) == "f" and time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ("seconds=1e400", {}),
        ("seconds=float('nan')", {}),
        ("seconds=True, batch=-5, peak_memory=10**30", {}),
        ("seconds='abc', cost=-1", {}),
        ("batch=2, cost=0.5, version='v\\udcff1'", {"batch": 2, "cost": 0.5, "version": "v?1"}),
        ("boxes=[[1, 2, 3, 4], [1, 2, 3, 4]]", {}),
    ],
)
def test_facts_that_cannot_be_are_left_out(tmp_path: Path, facts: str, kept: dict):
    (tmp_path / "x").mkdir()
    done = f"png(job['output'], 1); say(type='outcome', id=job['id'], outcome='generated', {facts})\n"
    (reply,) = run(script(tmp_path, done), tmp_path, count=1).values()
    assert {key: value for key, value in asdict(reply).items() if value} == {"outcome": "generated"} | kept


def test_a_reason_is_text_that_can_be_written_anywhere(tmp_path: Path):
    body = "say(type='outcome', id=job['id'], outcome='generation_failed', error='b\\udcff.jpg is\\nbad')\n"
    (reply,) = run(script(tmp_path, body), tmp_path, count=1).values()
    assert reply.error == "b?.jpg is bad"
    Generation(model="m", case="c", outcome="generation_failed", error=reply.error).model_dump_json()


def test_an_image_is_what_it_was_when_it_was_taken(tmp_path: Path):
    """The worker keeps the file open and writes on after it said that the image is done."""
    body = (
        "png(job['output'], 1); file = open(job['output'], 'r+b')\n"
        "say(type='outcome', id=job['id'], outcome='generated')\n"
        "time.sleep(1); file.write(b'CHANGED'); file.flush()\n"
    )
    run(script(tmp_path, body), tmp_path, count=2)
    assert decode((tmp_path / "out" / "c0.png").read_bytes()).mean() == 1


def test_what_left_the_process_group_is_ended_too(tmp_path: Path):
    body = "import subprocess; subprocess.Popen(['sleep', '598'], process_group=0)\n" + MADE
    assert outcomes(run(script(tmp_path, body), tmp_path, count=1)) == "g"
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "598"]]


def test_jobs_of_a_process_that_is_given_up_go_to_one_that_had_no_more(tmp_path: Path):
    """One of two processes cannot work, and the other is long done when that is known."""
    body = f"if os.environ['CUDA_VISIBLE_DEVICES'] == '1': time.sleep(1); os._exit(1)\n{MADE}"
    launch = script(tmp_path, body)
    tasks = [Task(Job(f"c{i}", "", (), i), tmp_path / "out" / f"c{i}.png") for i in range(4)]
    with Crew("w", launch, ["0", "1"], "none", 10, tmp_path / "scratch", tmp_path / "logs") as crew:
        answers = {task.job.case: reply for task, reply in crew.run(iter([[task] for task in tasks]))}
    assert len(answers) == 4 and not any(reply.again for reply in answers.values())


def test_loading_again_has_time_of_its_own(tmp_path: Path):
    slow = "say(type='loading'); time.sleep(3); say(type='loaded')\n"
    assert outcomes(run(script(tmp_path, slow + MADE), tmp_path, count=1, seconds=2)) == "g"


# models of other people, by folder

CARD = """
name = "painter"
kind = "worker"
title = "Painter"
summary = "Gives the first reference back, a little darker."
batch = 2
[source]
repository = "https://example.org/painter"
[licence]
code = "MIT"
weights = "none"
[[face_encoders]]
family = "arcface"
name = "somebody's"
use = "training"
[parameters.darker]
default = 0
low = 0
high = 255
meaning = "grey levels"
[worker]
script = "worker.py"
"""

WORKER = """
from idbench_worker import Refused, fit_boxes, serve
from PIL import Image

def load(hello):
    assert hello["device"] == "cpu" and hello["parameters"]["darker"] == 20 and hello["weights"] == {}
    print("loaded", flush=True)
    return "state"

def generate(state, job):
    assert state == "state" and "target" not in job
    if len(job["people"]) > 1:
        raise Refused("groups are not painted")
    if job["case"] == "UNINSPIRING":
        raise RuntimeError("no inspiration")
    photo = Image.open(job["people"][0]["references"][0]).convert("RGB")
    return photo.point(lambda value: max(0, value - job["parameters"]["darker"]))

if __name__ == "__main__":
    serve(load, generate)
"""


@pytest.fixture
def painter(tmp_path: Path) -> Path:
    folder = tmp_path / "painter"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD)
    (folder / "worker.py").write_text(WORKER)
    return folder


def command(suite: Path, packs: Path, out: Path, *more: str) -> list[str]:
    asked = {"suite": suite, "recognizers": [f"insightface:{packs / 'mini-a'}"], "out": out, "device": "cpu"}
    return ["run", *options(CHEAP | asked), *more]


def test_a_folder_with_a_worker_takes_part_and_scores_as_its_images_do(painter, real_suite, packs, tmp_path):
    out = tmp_path / "run"
    first = real_cases(real_suite, (1,))[0].id
    (painter / "worker.py").write_text(WORKER.replace("UNINSPIRING", first))
    done = idbench(*command(real_suite, packs, out, "--model", str(painter), "--set", "painter.darker=20"))
    assert done.returncode == 0, done.stderr
    scores, images, _ = read_tables(out)
    mine = images[images["model"] == "painter"].set_index("case")
    refused = mine["faces_expected"] > 1
    assert refused.any() and set(mine[refused]["outcome"]) == {"refused"}
    assert set(mine[refused]["error"]) == {"groups are not painted"}
    assert tuple(mine.loc[first, ["outcome", "error"]]) == ("generation_failed", "RuntimeError: no inspiration")
    assert set(mine[~refused].drop(first)["outcome"]) == {"generated"}
    assert "loaded" in (out / "logs" / "painter-0.log").read_text()
    # the same images as a folder: the same numbers, bit for bit
    again = run_here(real_suite, packs, tmp_path / "again", images={"painter": str(out / "images" / "painter")})
    other = read_tables(again)[0]
    numbers = scores.select_dtypes("number").columns
    kept = scores[(scores["model"] == "painter") & (scores["outcome"] == "scored")].reset_index(drop=True)
    same = other[(other["model"] == "painter") & (other["outcome"] == "scored")].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept[numbers], same[numbers], check_exact=True)
    page = (out / "report.html").read_text()
    assert "somebody" in page and "groups are not painted" in page
    record = json.loads((out / "run.json").read_text())["models"]["painter"]
    assert set(record["worker"]["files"]) == {"worker.py"} and record["parameters"] == {"darker": 20}


def test_a_worker_changed_means_images_made_anew_and_else_none(painter, real_suite, packs, tmp_path):
    out = tmp_path / "run"
    arguments = command(real_suite, packs, out, "--model", str(painter), "--set", "painter.darker=20", "--subset", "p1")
    assert idbench(*arguments).returncode == 0
    before = len(ledger(out))
    assert idbench(*arguments).returncode == 0
    assert len(ledger(out)) == before
    for name in ("worker.py", "helper.py"):  # whatever lies beside the card may be what the worker uses
        with (painter / name).open("a") as file:
            file.write("# better now\n")
        assert idbench(*arguments).returncode == 0
        assert len(ledger(out)) > before
        before = len(ledger(out))
    (painter / "card.toml").write_text((painter / "card.toml").read_text().replace("Gives", "Hands"))
    assert idbench(*arguments).returncode == 0
    assert len(ledger(out)) == before


def test_a_card_without_its_worker_is_one_line(painter, real_suite, packs, tmp_path):
    (painter / "worker.py").unlink()
    refused = idbench(*command(real_suite, packs, tmp_path / "run", "--model", str(painter)))
    assert f"no worker at {painter / 'worker.py'}" in error_line(refused)


def test_a_worker_in_another_language_is_started_by_its_command(painter, real_suite, packs, tmp_path):
    (painter / "worker.py").unlink()
    (painter / "worker.sh").write_text(SHELL)
    card = CARD.replace('script = "worker.py"', 'command = ["sh", "worker.sh"]')
    (painter / "card.toml").write_text(card)
    done = idbench(*command(real_suite, packs, tmp_path / "run", "--model", str(painter), "--subset", "p1"))
    assert done.returncode == 0, done.stderr
    images = read_tables(tmp_path / "run")[1].query("model == 'painter'")
    assert len(images) and set(images["outcome"]) == {"refused"} and set(images["error"]) == {"shells do not paint"}


SHELL = r"""
read hello
echo '{"type": "ready", "protocol": 1}'
while read line; do
  for id in $(echo "$line" | grep -o '"id": [0-9]*' | grep -o '[0-9]*'); do
    echo "{\"type\": \"outcome\", \"id\": $id, \"outcome\": \"refused\", \"error\": \"shells do not paint\"}"
  done
done
"""


def test_tracebacks_are_in_the_log(painter, real_suite, packs, tmp_path):
    (painter / "worker.py").write_text(WORKER.replace('raise Refused("groups are not painted")', "unheard_of()"))
    out = tmp_path / "run"
    done = idbench(*command(real_suite, packs, out, "--model", str(painter), "--set", "painter.darker=20"))
    assert done.returncode == 0 and "NameError: name 'unheard_of' is not defined" in done.stderr
    assert "Traceback" in (out / "logs" / "painter-0.log").read_text()


def test_killing_the_run_ends_its_workers(painter, real_suite, packs, tmp_path):
    from helpers import start

    (painter / "worker.py").write_text(
        WORKER.replace('    print("loaded"', '    import time; time.sleep(300)\n    print("loaded"')
    )
    arguments = command(real_suite, packs, tmp_path / "run", "--model", str(painter), "--set", "painter.darker=20")
    process = start(*arguments)
    ends = time.monotonic() + 60
    children: list[psutil.Process] = []
    while not any("worker.py" in " ".join(child.cmdline()) for child in children):
        assert time.monotonic() < ends and process.poll() is None
        time.sleep(0.1)
        children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_the_worker_side_needs_nothing_of_ours():
    text = (baselines_folder() / "idbench_worker.py").read_text()
    imports = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports <= set(sys.stdlib_module_names)
    assert len(text.splitlines()) < 160
