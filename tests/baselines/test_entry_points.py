"""Workers of ID-Patch, DreamO, UNO, USO, UMO, OmniGen2 and XVerse: jobs and settings reach the entry points."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.stand_in_repositories import STAND_INS
from support.worker_stand_ins import COLOURS

DEFAULTS = {
    "id-patch": (1024, 50, 5.5),
    "dreamo": (1024, 12, 4.5),
    "uno": (512, 25, 4.0),
    "uso": (1024, 25, 4.0),
    "umo": (768, 25, 4.0),
    "omnigen2": (1024, 50, 5.0),
    "xverse": (768, 28, 3.5),
}
"""Size, steps and guidance of each repository's own documentation."""


def colours(count: int) -> list[list[int]]:
    return [list(colour) for colour in COLOURS[:count]]


@pytest.mark.parametrize("name", STAND_INS)
def test_a_job_reaches_the_entry_point_and_a_failure_is_an_outcome(run, tmp_path: Path, name: str):
    size, steps, guidance = DEFAULTS[name]
    most = 1 if name == "uso" else 2
    replies, calls = run(
        name,
        {"case": "one", "prompt": "someone reads"},
        {"case": "bad", "prompt": "this will fail"},
        {"case": "last", "prompt": "they laugh", "people": most, "seed": 11},
    )
    assert {case: reply.outcome for case, reply in replies.items()} == {
        "one": "generated",
        "bad": "generation_failed",
        "last": "generated",
    }
    assert replies["bad"].error == "RuntimeError: the entry point fails"
    first, _, last = calls["call"]
    for call, prompt, count, seed in ((first, "someone reads", 1, 7), (last, "they laugh", most, 11)):
        assert call["prompt"].endswith(prompt) and call["references"] == colours(count) and call["seed"] == seed
        assert (call["width"], call["height"], call["steps"], call["guidance"]) == (size, size, steps, guidance)
    with Image.open(tmp_path / "out" / "last.png") as image:
        assert image.size == (size // 16, size // 16)


@pytest.mark.parametrize("name", STAND_INS)
def test_what_the_user_sets_reaches_the_entry_point(run, name: str):
    changes = {"width": "640", "height": "512", "steps": "3", "guidance": "2.5"}
    replies, calls = run(name, {"case": "one", "prompt": "someone reads"}, **changes)
    assert replies["one"].outcome == "generated"
    (call,) = calls["call"]
    assert (call["width"], call["height"], call["steps"], call["guidance"]) == (640, 512, 3, 2.5)
