"""The synthetic suite as a ruler: real networks see its people, tell them apart, and rank models as mini does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from idbench.config import load_config
from idbench.run import execute
from idbench.tables import read_tables

pytestmark = pytest.mark.slow
REAL = ["mini-a", "mini-b"]


@pytest.fixture(scope="module")
def ranked(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default suite and models, judged by mini and by two real networks on faces found by a real detector."""
    folder = tmp_path_factory.mktemp("ruler")
    flags = {
        "suite": "synthetic",
        "recognizers": ["mini", *(f"insightface:{packs / name}" for name in REAL)],
        "detector": f"insightface:{packs / REAL[0]}",
        "out": str(folder / "run"),
        "cache": str(folder / "cache"),
        "resamples": 1000,
        "gallery": 0,
        "clip": "off",
        "aesthetic": "off",
    }
    return execute(load_config(None, flags), lambda *_: None, lambda _: None)


def means(run: Path, judge: str) -> pd.DataFrame:
    """Mean of every metric by simulated model."""
    models = json.loads((run / "summary.json").read_text())["recognizers"][judge]["strict"]["models"]
    rows = {
        name: {metric: entry["mean"] for metric, entry in values.items()}
        for name, values in models.items()
        if not name.startswith("oracle-")
    }
    return pd.DataFrame(rows).T


def test_a_real_detector_finds_everybody(ranked):
    scores, _, _ = read_tables(ranked)
    target = scores[(scores["model"] == "oracle-target") & (scores["recognizer"] == REAL[0])]
    assert len(target) > 80
    assert (target["outcome"] == "scored").mean() >= 0.99


@pytest.mark.parametrize("judge", REAL)
def test_real_networks_tell_the_people_apart(ranked, judge):
    assert json.loads((ranked / "verification.json").read_text())[judge]["auc"] >= 0.985


@pytest.mark.parametrize("judge", REAL)
def test_photos_of_one_person_are_as_unlike_as_real_ones(ranked, judge):
    """Real photos of one person (18 cases, mini-a): median .70, minimum .53."""
    scores, _, _ = read_tables(ranked)
    alike = scores[(scores["model"] == "oracle-target") & (scores["recognizer"] == judge)]["sim_tr"].dropna()
    assert 0.66 < np.median(alike) < 0.78
    assert 0.47 < np.quantile(alike, 0.05) < 0.62


@pytest.mark.parametrize("judge", REAL)
def test_mini_ranks_simulated_models_as_real_networks_do(ranked, judge):
    ranking = [means(ranked, name)["sim_gt_failure_aware"] for name in ("mini", judge)]
    assert kendalltau(*ranking).statistic >= 0.9


@pytest.mark.parametrize("judge", REAL)
def test_judges_order_copying_alike(ranked, judge):
    """Models that copy nothing lie close together in copy-paste, so one pair may change places."""
    ranking = [means(ranked, name)["copy_paste_failure_aware"] for name in ("mini", judge)]
    assert kendalltau(*ranking).statistic >= 0.85
    assert all(order.idxmax() == "copier" for order in ranking)


def told_apart(run: Path, judge: str, metric: str) -> dict[tuple[str, str], bool]:
    """Pairs of models this judge tells apart: whether the first is the larger."""
    pairs = json.loads((run / "summary.json").read_text())["recognizers"][judge]["strict"]["groups"]["all"][
        "comparisons"
    ]
    return {(pair["a"], pair["b"]): pair["difference"] > 0 for pair in pairs[metric] if pair["different"]}


@pytest.mark.parametrize("judge", REAL)
@pytest.mark.parametrize("metric", ["sim_gt_failure_aware", "copy_paste_failure_aware"])
def test_mini_and_real_networks_never_contradict_each_other(ranked, judge, metric):
    ours, theirs = told_apart(ranked, "mini", metric), told_apart(ranked, judge, metric)
    both = ours.keys() & theirs.keys()
    assert len(both) >= 4
    assert {pair: ours[pair] for pair in both} == {pair: theirs[pair] for pair in both}
