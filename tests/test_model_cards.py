"""Cards, settings, sweeps and weights: what a user types and what is found, without loading a model."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from helpers import error_line, idbench

from idbench.errors import ConfigError, UnknownNameError, WeightsError
from idbench.models import weights
from idbench.models.carded import settings_of
from idbench.models.cards import Card, Parameter, Weights, card_names, card_of, load_card
from idbench.models.checking import expected_memory, require, stoppers
from idbench.models.fetching import _wanted
from idbench.models.opening import MOST_VALUES, parse_model, plan_models

CARD = """
name = "mine"
kind = "diffusers"
title = "Mine"
summary = "A card for tests."
most_people = 2
packages = ["torch"]
batch = 4
[source]
[licence]
code = "MIT"
weights = "MIT"
[[weights]]
role = "base"
form = "pipeline"
hub = "me/mine"
gigabytes = 1.5
licence = "MIT"
[billions]
transformer = 10
vae = 0.5
[parameters.steps]
default = 25
low = 1
high = 100
meaning = "steps"
[parameters.guidance]
default = 4.0
low = 0
meaning = "guidance"
[parameters.dtype]
default = "bfloat16"
choices = ["bfloat16", "float32"]
loading = true
meaning = "format"
[parameters.width]
default = 512
low = 64
high = 2048
meaning = "pixels"
[parameters.height]
default = 512
low = 64
high = 2048
meaning = "pixels"
[pipeline]
class = "FluxPipeline"
references = "none"
[pipeline.arguments]
steps = "num_inference_steps"
guidance = "guidance_scale"
width = "width"
height = "height"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.toml").write_text(CARD)
    return tmp_path / "mine"


@pytest.fixture
def card(folder: Path) -> Card:
    return load_card(folder)


# cards


@pytest.mark.parametrize("name", card_names())
def test_every_card_that_ships_is_valid_and_says_where_it_is_from(name: str):
    card = card_of(name)
    assert card.name == name
    assert card.source.repository.startswith("https://") and card.licence.weights
    assert all(need.hub or need.form == "pack" for need in card.weights) and bool(card.weights) == (card.hosted is None)
    assert card.hosted or expected_memory(card, settings_of(card, {}))[0] > 1
    assert {"width", "height"} <= card.parameters.keys()
    assert card.packages or card.kind == "worker"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('title = "Mine"', 'title = "Mine"\ntitel = "x"', "titel.*did you mean 'title'"),
        ("most_people = 2", "most_people = 0", "most_people"),
        ('form = "pipeline"', 'form = "zip"', "weights.0.form"),
        ('form = "pipeline"', 'form = "file"', "need a file"),
        ("default = 25", "default = 250", "1 to 100, found 250"),
        ('choices = ["bfloat16", "float32"]', 'choices = ["float32"]', "one of float32"),
        ("[parameters.width]", "[parameters.batch]", "cannot be called 'batch'"),
        ("[source]", "[source", "card.toml"),
        ('name = "mine"', 'name = "../mine"', "name"),
    ],
)
def test_a_card_that_is_wrong_is_one_line(folder: Path, old: str, new: str, expected: str):
    assert old in CARD
    (folder / "card.toml").write_text(CARD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=expected) as refused:
        load_card(folder)
    assert "\n" not in str(refused.value) or "TOML" in expected


def test_an_unknown_card_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'flux1-dev'"):
        card_of("flux1-dex")


# settings


def test_settings_take_the_type_of_the_default(card: Card):
    settings = settings_of(card, {"steps": "30", "guidance": "3", "batch": "2", "weights.base": "/x"})
    assert settings.parameters == {"steps": 30, "guidance": 3.0, "dtype": "bfloat16", "width": 512, "height": 512}
    assert settings.execution == {"batch": 2, "offload": "none"} and settings.places == {"base": Path("/x")}
    assert type(settings.parameters["guidance"]) is float


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("stepz", "3", "did you mean 'steps'"),
        ("steps", "3.5", "a whole number, found '3.5'"),
        ("steps", "0", "1 to 100, found 0"),
        ("guidance", "nan", "at least 0, found nan"),
        ("guidance", "much", "a number, found 'much'"),
        ("dtype", "int8", "one of bfloat16, float32"),
        ("offload", "disk", "one of none, model, sequential"),
        ("batch", "0", "1 to 256"),
        ("weights.vae", "/x", "did you mean 'weights.base'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(card: Card, key: str, value: str, expected: str):
    with pytest.raises(ConfigError, match=expected):
        settings_of(card, {key: value})


def test_true_and_false_are_the_only_truths():
    flag = Parameter(default=False, meaning="")
    assert flag.parse("true") is True and flag.parse("False") is False
    with pytest.raises(ValueError, match="true or false"):
        flag.parse("1")


# what a user types


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("withanyone", ("withanyone", "withanyone", "")),
        ("mine=withanyone", ("mine", "withanyone", "")),
        ("sim:copy=0.7", ("copy=0.7", "sim", "copy=0.7")),
        ("c=sim:copy=0.7", ("c", "sim", "copy=0.7")),
        ("my/model", ("model", "my/model", "")),
        ("a=my/model", ("a", "my/model", "")),
    ],
)
def test_specs(spec: str, expected: tuple[str, str, str]):
    assert parse_model(spec) == expected


def test_changes_sizes_and_sweeps_meet_the_model_they_name(folder: Path):
    specs = [str(folder), f"b.2={folder}", "s=sim:good"]
    planned = plan_models(
        specs, ["mine.steps=9", "b.2.steps=8", "s.drift=0.5"], ["b.2.guidance=1:2:0.5", "s.copy=0,0.1"], (640, 480)
    )
    size = {"width": "640", "height": "480"}
    assert {spec.name: spec.given for spec in planned} == {
        "mine": size | {"steps": "9"},
        "b.2@guidance=1": size | {"steps": "8", "guidance": "1"},
        "b.2@guidance=1.5": size | {"steps": "8", "guidance": "1.5"},
        "b.2@guidance=2": size | {"steps": "8", "guidance": "2"},
        "s@copy=0": {"drift": "0.5", "copy": "0"},
        "s@copy=0.1": {"drift": "0.5", "copy": "0.1"},
    }
    assert planned[2].sweep.as_dict() == {"of": "b.2", "parameter": "guidance", "value": 1.5}
    assert planned[0].open().parameters["steps"] == 9 and planned[-1].open().parameters["copy"] == 0.1


def test_a_range_is_free_of_rounding_and_holds_its_end():
    values = [spec.sweep.value for spec in plan_models(["s=sim:good"], (), ["s.copy=0:1:0.2"])]
    assert values == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert len(plan_models(["s=sim:good"], (), ["s.stream=10:2:-2"])) == 5


@pytest.mark.parametrize(
    ("models", "changes", "sweeps", "expected"),
    [
        (["flux1-devv"], [], [], "did you mean 'flux1-dev'"),
        (["good"], [], [], "did you mean 'sim:good'"),
        (["s=sim:good"], ["t.drift=1"], [], "this run has s"),
        ([], ["t.drift=1"], [], "no --model"),
        (["s=sim:good"], ["s.drift"], [], "expected s.KEY=VALUE"),
        (["s=sim:good"], [], ["s.drift=0:1:0"], "no step of 0 leads"),
        (["s=sim:good"], [], ["s.drift=0:1:-1"], "no step of -1"),
        (["s=sim:good"], [], ["s.drift=0:1:x"], "in numbers"),
        (["s=sim:good"], [], ["s.drift=1"], "2 to"),
        (["s=sim:good"], [], ["s.drift=1,1"], "different values"),
        (["s=sim:good"], [], ["s.drift=0:1:1e-9"], f"2 to {MOST_VALUES}"),
        (["s=sim:good"], [], ["s.drift=0,1", "s.copy=0,1"], "one parameter at a time"),
    ],
)
def test_what_fits_nothing_is_one_line(models, changes, sweeps, expected):
    with pytest.raises((ConfigError, UnknownNameError), match=expected) as refused:
        plan_models(models, changes, sweeps)
    assert "\n" not in str(refused.value)


# weights


def tensors(path: Path, size: int = 16, cut: int = 0) -> Path:
    """A file in the safetensors format with one tensor of `size` half-precision numbers, `cut` bytes short."""
    header = json.dumps({"w": {"dtype": "BF16", "shape": [size], "data_offsets": [0, 2 * size]}}).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(2 * size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data[: len(data) - cut])
    return path


def pipeline(folder: Path, cut: int = 0) -> Path:
    tensors(folder / "transformer" / "model-1.safetensors", 100)
    tensors(folder / "transformer" / "model-2.safetensors", 100, cut)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))
    tensors(folder / "vae" / "model.safetensors", 20)
    tensors(folder / "single-file-copy.safetensors", 999)
    parts = {"transformer": ["diffusers", "X"], "vae": ["diffusers", "Y"], "image_encoder": [None, None]}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "P"} | parts))
    return folder


def test_absent_weights_are_one_line_with_the_place_the_size_the_licence_and_the_gate():
    need = card_of("flux1-dev").need("base")
    with pytest.raises(WeightsError) as refused:
        weights.usable(need, "flux1-dev")
    text = str(refused.value)
    assert "\n" not in text
    for part in (str(weights.expected_at(need)), need.hub, "33.7 GB", need.licence, "accept its terms", "models fetch"):
        assert part in text


def test_weights_are_found_where_the_message_says(card: Card):
    need = card.need("base")
    pipeline(weights.expected_at(need))
    assert weights.usable(need, "mine") == weights.expected_at(need)
    assert stoppers(card, settings_of(card, {})) == []


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda f: (f / "model_index.json").unlink(), "model_index.json is missing"),
        (lambda f: (f / "model_index.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "transformer" / "model-2.safetensors").unlink(), "1 of 2 files are missing"),
        (lambda f: tensors(f / "vae" / "model.safetensors", 20, cut=1), "vae: model.safetensors has"),
        (lambda f: (f / "vae" / "model.safetensors").write_bytes(b"\xff" * 9), "no safetensors header"),
        (lambda f: (f / "vae").rename(f / "vea"), "the folder vae is missing"),
    ],
)
def test_damaged_weights_are_found_without_reading_them(card: Card, tmp_path: Path, harm, expected: str):
    place = pipeline(tmp_path / "w")
    settings = settings_of(card, {"weights.base": str(place)})
    require(card, settings)
    harm(place)
    with pytest.raises(WeightsError, match=expected) as refused:
        require(card, settings)
    assert str(place) in str(refused.value)


def test_a_digest_follows_contents_and_names_and_ignores_copies_beside(tmp_path: Path):
    one, other = pipeline(tmp_path / "a"), pipeline(tmp_path / "b")
    assert weights.digest(one) == weights.digest(other)
    (one / "single-file-copy.safetensors").unlink()
    assert weights.digest(one) == weights.digest(other)
    tensors(other / "vae" / "model.safetensors", 21)
    assert weights.digest(one) != weights.digest(other)


def test_expected_memory_follows_the_weights_that_are_here_else_the_card(card: Card, tmp_path: Path):
    there = settings_of(card, {})
    assert expected_memory(card, there) == pytest.approx((10.5 * 2 * 1.2, 10 * 2 * 1.2))
    here = settings_of(card, {"weights.base": str(pipeline(tmp_path / "w")), "dtype": "float32"})
    assert expected_memory(card, here) == pytest.approx((220 * 4 * 1.2 / 1e9, 200 * 4 * 1.2 / 1e9))


def test_memory_is_a_stopper_only_where_there_is_too_little(card: Card):
    huge = card.model_copy(update={"billions": {"transformer": 1e6}})
    kinds = {
        name: [s.kind for s in stoppers(c, settings_of(c, {}), "cpu")] for name, c in (("big", huge), ("small", card))
    }
    assert kinds == {"big": ["weights", "memory"], "small": kinds["small"]} and "weights" in kinds["small"]


def test_missing_packages_are_named(card: Card):
    lacking = card.model_copy(update={"packages": ("torch", "no-such-thing")})
    (stopper,) = [s for s in stoppers(lacking, settings_of(card, {})) if s.kind == "package"]
    assert "no-such-thing" in stopper.text and "pip install" in stopper.text and "torch," not in stopper.text


def test_what_is_fetched_leaves_copies_and_pickles_alone():
    need = Weights(role="base", form="pipeline", hub="a/b", gigabytes=1, licence="x")
    wanted = ["model_index.json", "vae/config.json", "transformer/a-1.safetensors", "tokenizer/merges.txt"]
    others = ["flux1-dev.safetensors", "vae/model.bin", "unet/model.fp16.safetensors", "README.md", "a.png"]
    assert [name for name in wanted + others if _wanted(need, name)] == wanted
    one = need.model_copy(update={"form": "file", "file": "x.safetensors"})
    assert [name for name in ("x.safetensors", "y.safetensors") if _wanted(one, name)] == ["x.safetensors"]


# the command


def test_check_names_for_every_card_what_would_stop_it_without_loading_torch():
    done = idbench("models", "check", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and set(found) == set(card_names())
    kinds = {name: {problem["kind"] for problem in problems} for name, problems in found.items()}
    assert all(("key" if card_of(name).hosted else "weights") in of for name, of in kinds.items())
    assert all(("environment" in of) == (card_of(name).kind == "worker") for name, of in kinds.items())
    assert idbench("models", "check", "flux1-dev").returncode == 1


def test_list_and_show_tell_what_a_card_says():
    listed = idbench("models", "list").stdout
    assert all(name in listed for name in card_names()) and "sim:good" in listed and "oracle-paste" in listed
    shown = idbench("models", "show", "flux1-dev").stdout
    for part in ("guidance", "gated", "33.7 GB", "offload", "none|model|sequential", "Non-Commercial"):
        assert part in shown
    assert "did you mean 'flux1-dev'" in error_line(idbench("models", "show", "flux1-devv"))
    assert "has no card" in error_line(idbench("models", "show", "sim:good"))


def test_a_dry_run_says_everything_and_does_nothing(folder: Path, tmp_path: Path):
    out = tmp_path / "run"
    flags = ["--suite", "synthetic:small", "--subset", "p2", "--model", str(folder), "--sweep", "mine.guidance=1,2"]
    flags += ["--seeds", "2", "--image-size", "640x480", "--out", str(out), "--dry-run"]
    planned = json.loads(idbench("run", *flags, "--json").stdout)
    assert [entry["model"] for entry in planned["models"]] == ["mine@guidance=1", "mine@guidance=2"]
    first = planned["models"][0]
    assert first["to_do"] == first["images"] == len(first["jobs"]) > 0 and {job["seed"] for job in first["jobs"]} == {
        0,
        1,
    }
    assert (first["parameters"]["width"], first["parameters"]["height"]) == (640, 480)
    assert first["weights"][0]["gigabytes"] == 1.5 and not first["weights"][0]["here"]
    assert first["gpu_memory_gb"] == 25.2 and any("are not here" in text for text in first["stoppers"])
    said = idbench("run", *flags).stdout
    for part in (
        "missing, about 1.5 GB",
        "MIT",
        "GPU memory   about 25.2 GB",
        "guidance=2.0",
        "nothing was done",
    ):
        assert part in said
    assert not out.exists()


def test_a_run_with_absent_weights_stops_before_anything_is_done(folder: Path, tmp_path: Path):
    refused = idbench("run", "--model", str(folder), "--out", str(tmp_path / "run"))
    assert "idbench models fetch mine" in error_line(refused)
    assert not (tmp_path / "run").exists()
