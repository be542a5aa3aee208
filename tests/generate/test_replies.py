"""What a worker says is taken only where it can be true, and its images from their place alone."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from PIL import Image
from support.raw_worker import MADE, outcomes, run, script

from idbench.images import decode
from idbench.records import Generation


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


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ("seconds=1e400", {}),
        ("seconds=float('nan')", {}),
        ("seconds=True, batch=-5, peak_memory=10**30", {}),
        ("seconds='abc', cost=-1", {}),
        ("batch=2, cost=0.5, version='v\\udcff1'", {"batch": 2, "cost": 0.5, "version": "v?1"}),
        ("boxes=[[1, 2, 3, 4], [1, 2, 3, 4]]", {}),
        ("boxes=7, offload=['none'], retryable=True, path='/etc/passwd', model='another'", {}),
    ],
)
def test_facts_that_cannot_be_are_left_out(tmp_path: Path, facts: str, kept: dict):
    (tmp_path / "x").mkdir()
    done = f"png(job['output'], 1); say(type='outcome', id=job['id'], outcome='generated', {facts})\n"
    (reply,) = run(script(tmp_path, done), tmp_path, count=1).values()
    known = {"model", "case", "seed", "outcome", "path", "digest"}
    assert reply.model_dump(exclude=known, exclude_none=True) == kept


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
