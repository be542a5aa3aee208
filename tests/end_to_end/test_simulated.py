"""Whole runs of simulated models: a judge sees what was dialled in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from support.runs import CHEAP

from idbench import cli
from idbench.api import load_run, score
from idbench.config import load_config
from idbench.models.simulated import PRESETS
from idbench.run import execute
from idbench.suites import Suite, synthetic
from idbench.tables import read_tables


@pytest.fixture(scope="module")
def run(suite: Suite, packs: Path, tmp_path_factory) -> Path:
    """The presets on the four cases, judged by a real network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("run") / "run"
        flags = CHEAP | {"recognizers": [f"insightface:{packs / 'mini-a'}"], "out": str(out), "gallery": 4}
        return execute(load_config(None, flags), warn=lambda line: None)


@pytest.mark.slow
def test_without_models_the_presets_are_scored_beside_the_oracles(run: Path):
    _, images, people = read_tables(run)
    assert set(images["model"]) == {*PRESETS, *(m for m in images["model"] if m.startswith("oracle-"))}
    assert (images.groupby("model").size() == 4).all()
    assert people["sim_tr"].notna().all()
    record = json.loads((run / "run.json").read_text())
    assert record["config"]["models"] == [f"sim:{name}" for name in PRESETS]
    assert record["suite"]["rendered"] is True
    for name, preset in PRESETS.items():
        assert record["models"][name]["dials"] == preset.model_dump(by_alias=True)
    made = images[images["model"].isin(PRESETS)]
    assert made["seconds"].notna().all()
    whole = [name for name, preset in PRESETS.items() if not preset.lose]  # who is lost alone leaves an empty room
    assert made[(made["outcome"] == "generated") & made["model"].isin(whole)]["faces_found"].ge(1).all()


@pytest.mark.slow
def test_a_real_judge_sees_what_was_dialled_in(run: Path):
    models = json.loads((run / "summary.json").read_text())["recognizers"]["mini-a"]["strict"]["models"]

    def best(metric: str) -> str:
        return max(PRESETS, key=lambda name: models[name][metric]["mean"])

    assert best("copy_paste") == best("sim_ref") == "copier"
    assert models["drifter"]["sim_gt"]["mean"] < models["good"]["sim_gt"]["mean"] - 0.05
    assert models["blender"]["sim_gt"]["mean"] < models["good"]["sim_gt"]["mean"]


@pytest.mark.slow
def test_idbench_run_needs_no_arguments(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.setitem(synthetic.SIZES, "small", 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["idbench", "run"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    assert said.out.splitlines()[-1] == "runs/latest/report.html"
    assert "simulated models are scored (good, copier" in said.err and "mini judges" in said.err
    record = json.loads((tmp_path / "runs/latest/run.json").read_text())
    assert (record["detector"]["kind"], record["recognizers"]["mini"]["kind"]) == ("mini", "mini")
    assert record["suite"]["name"] == "synthetic:small" and set(PRESETS) < set(record["models"])
    assert "mini was trained on rendered faces only" in (tmp_path / "runs/latest/report.html").read_text()
    with pytest.warns(UserWarning, match="mini judges"):
        again = score(out="again", **CHEAP)
    pd.testing.assert_frame_equal(again.scores(), load_run("runs/latest").scores())


@pytest.mark.slow
def test_mini_judges_photos_where_a_user_insists(suite: Suite, tmp_path: Path):
    photos = shutil.copytree(suite.source, tmp_path / "photos")
    flags = CHEAP | {"suite": str(photos), "out": str(tmp_path / "run"), "recognizers": ["mini"], "allow_mini": True}
    done = execute(load_config(None, flags), warn=lambda line: None)
    assert "says nothing about photos of people" in (done / "report.html").read_text()
