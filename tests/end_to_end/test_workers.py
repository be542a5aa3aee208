"""Models of other people, by folder: they take part, are made anew when changed, and end with their run."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from support.comparing import ledger
from support.in_process import idbench_here
from support.run_command import command
from support.runs import error_line, run_here, start
from support.suites import real_cases

from idbench.tables import read_tables

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
    if job["prompt"] == "UNINSPIRING":
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


def test_a_folder_with_a_worker_takes_part_and_scores_as_its_images_do(painter, real_suite, packs, tmp_path):
    out = tmp_path / "run"
    case = real_cases(real_suite, (1,))[0]
    first = case.id
    (painter / "worker.py").write_text(WORKER.replace('"UNINSPIRING"', repr(case.prompt)))
    done = idbench_here(*command(real_suite, packs, out, "--model", str(painter), "--set", "painter.darker=20"))
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
    assert idbench_here(*arguments).returncode == 0
    before = len(ledger(out))
    assert idbench_here(*arguments).returncode == 0
    assert len(ledger(out)) == before
    for name in ("worker.py", "helper.py", "weights.gguf"):  # whatever lies beside the card may be what the worker uses
        with (painter / name).open("a") as file:
            file.write("# better now\n")
        assert idbench_here(*arguments).returncode == 0
        assert len(ledger(out)) > before
        before = len(ledger(out))
    (painter / "card.toml").write_text((painter / "card.toml").read_text().replace("Gives", "Hands"))
    assert idbench_here(*arguments).returncode == 0
    assert len(ledger(out)) == before


def test_a_worker_that_writes_beside_itself_is_told_that_its_images_will_be_made_anew(
    painter, real_suite, packs, tmp_path
):
    (painter / "worker.py").write_text(
        WORKER.replace('    print("loaded"', '    open("diary", "a").write("x")\n    print("loaded"')
    )
    arguments = command(
        real_suite, packs, tmp_path / "run", "--model", painter, "--set", "painter.darker=20", "--subset", "p1"
    )
    done = idbench_here(*arguments)
    assert "painter: diary changed while images were made; the next run makes them anew" in done.stderr
    with (painter / "card.toml").open("a") as card:
        card.write('files = ["worker.py"]\n')
    with (painter / "worker.py").open("a") as worker:
        worker.write("# better now\n")
    done = idbench_here(*arguments)
    assert done.returncode == 0 and "are made anew; give it another name" in done.stderr
    assert "diary" not in done.stderr


def test_a_card_without_its_worker_is_one_line(painter, real_suite, packs, tmp_path):
    (painter / "worker.py").unlink()
    refused = idbench_here(*command(real_suite, packs, tmp_path / "run", "--model", str(painter)))
    assert f"no worker at {painter / 'worker.py'}" in error_line(refused)


def test_a_worker_in_another_language_is_started_by_its_command(painter, real_suite, packs, tmp_path):
    (painter / "worker.py").unlink()
    (painter / "worker.sh").write_text(SHELL)
    card = CARD.replace('script = "worker.py"', 'command = ["sh", "worker.sh"]')
    (painter / "card.toml").write_text(card)
    done = idbench_here(*command(real_suite, packs, tmp_path / "run", "--model", str(painter), "--subset", "p1"))
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
    done = idbench_here(*command(real_suite, packs, out, "--model", str(painter), "--set", "painter.darker=20"))
    assert done.returncode == 0 and "NameError: name 'unheard_of' is not defined" in done.stderr
    assert "Traceback" in (out / "logs" / "painter-0.log").read_text()


def test_killing_the_run_ends_its_workers(painter, real_suite, packs, tmp_path):
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
