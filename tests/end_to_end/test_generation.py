"""From nothing to a report: `idbench run` with tiny random pipelines of the real classes, killed and resumed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest
from support import tiny_pipelines
from support.comparing import ledger
from support.lazy import needs
from support.runs import CHEAP, idbench, options, start
from support.tiny_withanyone import random_identity

from idbench.suites import case_filename, open_suite
from idbench.tables import read_tables

pytestmark = needs("torch", "diffusers")

MODELS = ("withanyone", "flux2-klein-4b")


LATEST = 240.0
"""Seconds after which a test gives up waiting."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> dict[str, str]:
    """`--set` values that put tiny random weights in the place of released ones, by key."""
    from diffusers import FluxTransformer2DModel
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny")
    base = tiny_pipelines.build("FluxPipeline", folder / "flux")
    klein = tiny_pipelines.build("Flux2KleinPipeline", folder / "klein")
    siglip = tiny_pipelines.build_siglip(folder / "siglip")
    transformer = FluxTransformer2DModel.from_pretrained(base / "transformer")
    save_file(random_identity(transformer.config, arcface=128, siglip=32), folder / "identity.safetensors")
    return {
        "withanyone.weights.base": str(base),
        "withanyone.weights.identity": str(folder / "identity.safetensors"),
        "withanyone.weights.siglip": str(siglip),
        "withanyone.weights.arcface": str(packs / "mini-a"),
        "flux2-klein-4b.weights.base": str(klein),
    }


def command(suite: Path, packs: Path, out: Path, tiny: dict[str, str], models=MODELS, **more: str) -> list[str]:
    quick = {f"{model}.{key}": value for model in models for key, value in (("steps", "1"), ("dtype", "float32"))}
    values = {key: value for key, value in (tiny | quick | more).items() if key.startswith(models)}
    changes = [f"{key}={value}" for key, value in values.items()]
    asked = {"suite": suite, "recognizers": [f"insightface:{packs / 'mini-a'}"], "model": models, "set": changes}
    return ["run", *options(CHEAP | asked | {"image_size": "64x64", "out": out, "device": "cpu"})]


def wait_for_lines(run: Path, count: int, process) -> None:
    """Until the ledger has so many lines."""
    ends = time.monotonic() + LATEST
    path = run / "generations.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None and time.monotonic() < ends, "the run ended before it could be killed"
        time.sleep(0.02)


def kill(process) -> None:
    """kill -9 of the run alone; its model processes must end by themselves."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert children, "the model runs in a process of its own"
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


@pytest.mark.slow
def test_killed_twice_a_run_goes_on_and_ends_with_every_outcome(real_suite, packs, tmp_path, tiny):
    run = tmp_path / "run"
    arguments = command(real_suite, packs, run, tiny)
    cases = [case.id for case in open_suite(str(real_suite)).cases()]
    kept: dict[Path, int] = {}
    for lines in (len(cases) // 3, len(cases) + len(cases) // 3):  # within the first model, then the second
        process = start(*arguments)
        wait_for_lines(run, lines, process)
        kill(process)
        assert all(path.stat().st_mtime_ns == made for path, made in kept.items()), "an image was made twice"
        known = [Path(line["path"]) for line in ledger(run) if "path" in line]
        kept = {path: path.stat().st_mtime_ns for path in known}
    done = idbench(*arguments, timeout=LATEST)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]) == run / "report.html"
    assert all(path.stat().st_mtime_ns == made for path, made in kept.items()), "an image was made twice"
    images = read_tables(run)[1]
    for model in MODELS:
        mine = images[images["model"] == model]
        assert sorted(mine["case"]) == sorted(cases) and set(mine["outcome"]) == {"generated"}
        assert (mine["width"] == 64).all() and (mine["height"] == 64).all()
        assert (mine["seconds"] > 0).all() and (mine["peak_memory"] > 1e6).all()
        assert {path.name for path in (run / "images" / model).iterdir()} == {
            f"{case_filename(c)}--0.png" for c in cases
        }
    assert not (run / ".work").exists()
    record = json.loads((run / "run.json").read_text())
    about = record["models"]["withanyone"]
    assert record["state"] == "finished" and about["parameters"]["steps"] == 1
    assert set(about["weights"]) == {"base", "identity", "siglip", "arcface"}
    assert about["card"]["extra_conditioning"] == ["target boxes"]
    page = (run / "report.html").read_text()
    assert all(model in page for model in MODELS) and "target boxes" in page


@pytest.mark.slow
def test_a_sweep_is_one_model_per_value_that_share_loaded_weights(real_suite, packs, tmp_path, tiny):
    run = tmp_path / "run"
    arguments = command(real_suite, packs, run, tiny, models=("withanyone",))
    arguments += ["--sweep", "withanyone.siglip_weight=0:1:0.5", "--subset", "p2"]
    done = idbench(*arguments, timeout=LATEST)
    assert done.returncode == 0, done.stderr
    models = json.loads((run / "run.json").read_text())["models"]
    swept = {name: about["sweep"]["value"] for name, about in models.items() if "sweep" in about}
    assert swept == {f"withanyone@siglip_weight={value}": float(value) for value in ("0", "0.5", "1")}
    images = read_tables(run)[1]
    digests = images[images["model"].isin(swept)].groupby("case")["digest"].nunique()
    assert (digests == 3).all(), "every value of the parameter gives another image"
    assert len(list((run / "logs").iterdir())) == 1, "all values were served by one process"


def test_people_beyond_what_a_card_allows_are_counted_failures(real_suite, packs, tmp_path, tiny):
    from idbench.models.cards import baselines_folder

    folder = tmp_path / "one-person"
    folder.mkdir()
    card = (baselines_folder() / "withanyone" / "card.toml").read_text()
    (folder / "card.toml").write_text(card.replace('kind = "withanyone"', 'kind = "withanyone"\nmax_people = 1', 1))
    run = tmp_path / "run"
    arguments = command(real_suite, packs, run, tiny, models=("withanyone",))
    arguments[arguments.index("withanyone")] = f"withanyone={folder}"
    done = idbench(*arguments, "--subset", "p2", timeout=LATEST)
    assert done.returncode == 0, done.stderr
    images = read_tables(run)[1]
    mine = images[images["model"] == "withanyone"]
    assert len(mine) and set(mine["outcome"]) == {"generation_failed"}
    assert set(mine["error"]) == {"the model takes at most 1 person, the case shows 2"}
