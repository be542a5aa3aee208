"""What decides which images are made, kept, made anew, and what is said about those that are not there."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import numpy as np
import pytest
from helpers import CHEAP, idbench, ledger, options, real_cases, write_suite

from idbench.generating import ModelProducer, _loading
from idbench.generations import Ledger
from idbench.models.base import Generated
from idbench.models.carded import CardModel
from idbench.models.cards import baselines_folder
from idbench.models.host import Host, is_broken_device, is_out_of_memory
from idbench.models.opening import plan_models
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
    image = Image.open(next(images.glob(job["case"] + ".*")))
    boxes = [person["box"] for person in job["people"]]
    scale = [image.width / job["canvas"][0], image.height / job["canvas"][1]] * 2
    if (images / "tell").exists():
        job["told_boxes"] = [[v * s for v, s in zip(box, scale)] for box in reversed(boxes)]
    return image

serve(lambda hello: pathlib.Path(__file__).parent / "images", generate)
"""


def command(suite: Path, packs: Path, out: Path, *more: str) -> list[str]:
    asked = {"suite": suite, "recognizers": [f"insightface:{packs / 'mini-a'}"], "out": out, "device": "cpu"}
    return ["run", *options(CHEAP | asked), *more]


# where a model was told to put people


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
        done = idbench(*command(suite, packs, out, "--model", folder))
        assert done.returncode == 0, done.stderr
        scores = read_tables(out)[0].query("model == 'swapper' and protocol == 'strict'")
        found[told] = list(scores["slot_accuracy"])
        assert (any("boxes" in line for line in ledger(out) if line["model"] == "swapper")) == told
    assert found == {False: [0, 0], True: [1, 1]}


# what images depend on


def opened(tmp_path: Path, change=lambda text: text, name: str = "m", **given: str) -> CardModel:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    text = (baselines_folder() / "flux1-dev" / "card.toml").read_text()
    (folder / "card.toml").write_text(change(text))
    return next(iter(plan_models([str(folder)], [f"flux1-dev.{key}={value}" for key, value in given.items()]))).open()


@pytest.fixture
def weightless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CardModel, "weights", lambda self, role: Path(__file__))


def test_everything_on_a_card_that_decides_pixels_is_in_the_digest(tmp_path, weightless, monkeypatch):
    plain = opened(tmp_path).describe()
    assert plain == opened(tmp_path).describe()
    assert plain != opened(tmp_path, lambda text: text.replace("batched = true", "batched = false")).describe()
    assert plain == opened(tmp_path, lambda text: text.replace("the floor of", "below")).describe()
    monkeypatch.setattr("idbench.models.carded.installed", lambda name: "99.0")
    assert plain != opened(tmp_path).describe()


@pytest.mark.parametrize(
    ("given", "other", "shared"),
    [
        ({"steps": "3"}, {"steps": "4"}, True),
        ({"batch": "1"}, {"batch": "2"}, True),
        ({"dtype": "float32"}, {"dtype": "bfloat16"}, False),
        ({"weights.base": "/a"}, {"weights.base": "/b"}, False),
        ({"offload": "none"}, {"offload": "model"}, False),
    ],
)
def test_processes_are_shared_only_by_models_that_load_the_same(tmp_path, given, other, shared):
    keys = []
    for one in (given, other):
        (spec,) = plan_models(["flux1-dev"], [f"flux1-dev.{key}={value}" for key, value in one.items()])
        keys.append(_loading(spec, spec.open()))
    assert (keys[0] == keys[1]) == shared


def test_a_card_must_say_that_dtype_decides_what_is_loaded(tmp_path):
    with pytest.raises(Exception, match="'dtype' decides what is loaded"):
        opened(tmp_path, lambda text: text.replace("loading = true", ""))


def test_a_card_that_allows_more_people_is_asked_again_for_those_refused(real_suite, tmp_path):
    from types import SimpleNamespace

    from idbench.suites import open_suite

    suite = open_suite(str(real_suite), ("p2",))

    class Flat:
        name, parameters, isolated, needs_truth = "flat", {}, False, False

        def __init__(self, most: int) -> None:
            self.card = SimpleNamespace(most_people=most)

        def describe(self):
            return {}

        def load(self, device, offload="none"): ...

        def close(self): ...

        def generate(self, jobs):
            return [Generated(np.zeros((8, 8, 3), np.uint8)) for _ in jobs]

    def outcomes(most: int) -> set[str]:
        producer = ModelProducer(Flat(most), range(1), tmp_path / "images", Ledger(tmp_path / "generations.jsonl"))
        producer.make(suite, lambda *_: None)
        return {one.outcome for case in suite.cases() for one in producer.produce(case)}

    assert outcomes(1) == {"generation_failed"}
    assert outcomes(2) == {"generated"}
    assert outcomes(1) == {"generation_failed"}


# memory and broken devices


class Heavy:
    """Fits with the offload it says; each failed call leaves something large in its frame."""

    card, isolated, needs_truth, parameters = None, True, False, {}

    def __init__(self, loads_with: str = "none", generates_with: str = "none") -> None:
        self.loads_with, self.generates_with = loads_with, generates_with
        self.loads: list[str] = []
        self.left: list[weakref.ref] = []

    def load(self, device: str, offload: str = "none") -> None:
        assert all(ref() is None for ref in self.left), "the failed call's memory is still held"
        self.loads.append(offload)
        self.offload = offload
        if self.order(offload) < self.order(self.loads_with):
            raise RuntimeError("CUDA out of memory.")

    def generate(self, jobs):
        large = np.zeros(1000).view(type("Large", (np.ndarray,), {}))
        self.left.append(weakref.ref(large))
        if self.order(self.offload) < self.order(self.generates_with):
            raise RuntimeError("CUDA out of memory.")
        return [Generated(np.zeros((4, 4, 3), np.uint8)) for _ in jobs]

    def close(self) -> None: ...

    @staticmethod
    def order(offload: str) -> int:
        return ("none", "model", "sequential").index(offload)


@pytest.mark.parametrize(
    ("loads_with", "generates_with", "loads"),
    [
        ("none", "none", ["none"]),
        ("model", "model", ["none", "model"]),
        ("sequential", "none", ["none", "model", "sequential"]),
        ("none", "sequential", ["none", "model", "sequential"]),
    ],
)
def test_memory_that_runs_out_while_loading_or_generating_leads_to_more_offload(
    tmp_path, loads_with, generates_with, loads
):
    said: list[dict] = []
    model = Heavy(loads_with, generates_with)
    host = Host(model, "cuda", "none", said.append)
    host.load()
    about = {"case": "c", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}
    host.answer([about | {"id": 0, "output": str(tmp_path / "0.png")}])
    assert model.loads == loads
    (outcome,) = [message for message in said if message["type"] == "outcome"]
    assert outcome["outcome"] == "generated" and outcome["offload"] == loads[-1]


@pytest.mark.parametrize(("device", "tried"), [("cpu", ["none"]), ("cuda", ["none", "model", "sequential"])])
def test_a_model_that_fits_no_way_says_so_after_all_were_tried(device, tried):
    class Huge(Heavy):
        def load(self, device: str, offload: str = "none") -> None:
            self.loads.append(offload)
            raise RuntimeError("CUDA out of memory.")

    model = Huge()
    with pytest.raises(RuntimeError, match="out of memory"):
        Host(model, device, "none", lambda message: None).load()
    assert model.loads == tried


@pytest.mark.parametrize(
    ("text", "memory", "broken"),
    [
        ("CUDA error: an illegal memory access was encountered", False, True),
        ("CUDA error: device-side assert triggered", False, True),
        ("CUDA error: out of memory", True, False),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", True, False),
        ("[ONNXRuntimeError] Failed to allocate memory for requested buffer", True, False),
        ("mat1 and mat2 shapes cannot be multiplied", False, False),
    ],
)
def test_what_errors_mean_for_the_process(text, memory, broken):
    assert (is_out_of_memory(RuntimeError(text)), is_broken_device(RuntimeError(text))) == (memory, broken)


def test_a_broken_device_ends_the_process(tmp_path):
    class Broken(Heavy):
        def generate(self, jobs):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    host = Host(Broken(), "cuda", "none", lambda message: None)
    host.load()
    with pytest.raises(SystemExit, match="device is broken"):
        host.answer([{"id": 0, "case": "c", "prompt": "", "people": [], "canvas": None, "seed": 0, "parameters": {}}])


# what a run says


def test_a_run_whose_model_did_not_run_is_incomplete_and_says_so(real_suite, packs, tmp_path):
    folder = tmp_path / "absent"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD.replace("swapper", "absent"))
    (folder / "worker.py").write_text("raise SystemExit('no GPU today')")
    out = tmp_path / "run"
    arguments = command(real_suite, packs, out, "--model", folder, "--subset", "p2")
    done = idbench(*arguments)
    assert done.returncode == 3 and "no GPU today" in done.stderr
    record = json.loads((out / "run.json").read_text())
    count = len(real_cases_of(out, "absent"))
    assert record["state"] == "incomplete" and record["counts"]["not_tried"] == {"absent": count} and count
    assert "were never tried" in (out / "report.html").read_text()
    (folder / "worker.py").write_text(PAINTER)
    assert idbench(*arguments).returncode == 0
    assert json.loads((out / "run.json").read_text())["state"] == "finished"
    assert all(line["outcome"] == "generated" for line in real_cases_of(out, "absent").values())
    # images made anew and images that failed are said
    (folder / "worker.py").write_text(PAINTER + "# changed\n")
    assert (
        f"absent: {count} images of other parameters, weights, code or versions are made anew"
        in idbench(*arguments).stderr
    )
    (folder / "worker.py").write_text(PAINTER.replace("Image.new", "None or Image.knew"))
    done = idbench(*arguments)
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
    done = idbench(*command(real_suite, packs, tmp_path / "run", "--model", folder, "--subset", "p2"))
    assert done.returncode == 0, done.stderr
    assert "no face was found in any of its" in (tmp_path / "run" / "report.html").read_text()
