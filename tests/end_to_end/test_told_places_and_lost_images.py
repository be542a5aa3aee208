"""What a run makes of places a model was told, and what it says about images that are not there."""

from __future__ import annotations

import json
from pathlib import Path

from support.comparing import ledger
from support.in_process import idbench_here
from support.run_command import command
from support.suites import real_cases, write_suite

from idbench.tables import read_tables

CARD = """
name = "swapper"
kind = "worker"
title = "Swapper"
summary = "Gives images that lie beside it."
[source]
[licence]
code = "MIT"
weights = "none"
[worker]
"""


WORKER = """
import json, os, pathlib
from idbench_worker import serve
from PIL import Image

def generate(images, job):
    image = Image.open(next(images.glob("*.*")))
    boxes = [person["box"] for person in job["people"]]
    scale = [image.width / job["canvas"][0], image.height / job["canvas"][1]] * 2
    if (images / "tell").exists():
        job["told_boxes"] = [[v * s for v, s in zip(box, scale)] for box in reversed(boxes)]
    return image

serve(lambda hello: pathlib.Path(__file__).parent / "images", generate)
"""


def test_slots_are_judged_by_the_places_a_model_was_told(real_suite, packs, tmp_path):
    """Two people in exchanged places are misplaced, unless that is where the model was told to put them."""
    case = real_cases(real_suite, (2,))[0]
    suite = write_suite(tmp_path / "suite", [case])
    folder = tmp_path / "swapper"
    (folder / "images").mkdir(parents=True)
    (folder / "card.toml").write_text(CARD)
    (folder / "worker.py").write_text(WORKER)
    (photo,) = (real_suite / "outputs" / "swapped").glob(f"{case.id}.*")
    (folder / "images" / photo.name).write_bytes(photo.read_bytes())
    found = {}
    for told in (False, True):
        if told:
            (folder / "images" / "tell").touch()
        out = tmp_path / f"told-{told}"
        done = idbench_here(*command(suite, packs, out, "--model", folder))
        assert done.returncode == 0, done.stderr
        scores = read_tables(out)[0].query("model == 'swapper' and protocol == 'strict'")
        found[told] = list(scores["slot_accuracy"])
        assert (any("boxes" in line for line in ledger(out) if line["model"] == "swapper")) == told
    assert found == {False: [0, 0], True: [1, 1]}


def test_a_run_whose_model_did_not_run_is_incomplete_and_says_so(real_suite, packs, tmp_path):
    folder = tmp_path / "absent"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD.replace("swapper", "absent"))
    (folder / "worker.py").write_text("raise SystemExit('no GPU today')")
    out = tmp_path / "run"
    arguments = command(real_suite, packs, out, "--model", folder, "--subset", "p2")
    done = idbench_here(*arguments)
    assert done.returncode == 3 and "no GPU today" in done.stderr
    record = json.loads((out / "run.json").read_text())
    count = len(real_cases_of(out, "absent"))
    assert record["state"] == "incomplete" and record["counts"]["not_tried"] == {"absent": count} and count
    assert "were never tried" in (out / "report.html").read_text()
    (folder / "worker.py").write_text(PAINTER)
    assert idbench_here(*arguments).returncode == 0
    assert json.loads((out / "run.json").read_text())["state"] == "finished"
    assert all(line["outcome"] == "generated" for line in real_cases_of(out, "absent").values())
    # images made anew and images that failed are said
    (folder / "worker.py").write_text(PAINTER + "# changed\n")
    assert (
        f"absent: {count} images of other parameters, weights, code or versions are made anew"
        in idbench_here(*arguments).stderr
    )
    (folder / "worker.py").write_text(PAINTER.replace("Image.new", "None or Image.knew"))
    done = idbench_here(*arguments)
    assert (
        f"absent: {count} of {count} images failed or were refused: AttributeError" in done.stderr
        and done.returncode == 0
    )
    assert "no face" not in done.stderr


PAINTER = """
from idbench_worker import serve
from PIL import Image
serve(lambda hello: None, lambda model, job: Image.new("RGB", (64, 64), (90, 90, 90)))
"""


def real_cases_of(run: Path, model: str) -> dict[str, dict]:
    """The last line of every case in the ledger."""
    return {line["case"]: line for line in ledger(run) if line["model"] == model}


def test_faceless_images_are_said_to_be_so(real_suite, packs, tmp_path):
    folder = tmp_path / "painter"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD.replace("swapper", "painter"))
    (folder / "worker.py").write_text(PAINTER)
    done = idbench_here(*command(real_suite, packs, tmp_path / "run", "--model", folder, "--subset", "p2"))
    assert done.returncode == 0, done.stderr
    assert "no face was found in any of its" in (tmp_path / "run" / "report.html").read_text()
