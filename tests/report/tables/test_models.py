"""The tables of models: headline and compact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from support.reports import MODELS, ORACLES, build_run, section, summary_of

from idbench.report import write_report


def test_headline_equals_the_summary(run: Path):
    table = summary_of(run)["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    rows = section(run, "headline").rows
    heading = next(r for r in rows if r[0] == "rank")
    first = heading.index("failures count 0 ↑")
    names = [
        "sim_gt_failure_aware",
        "sim_gt",
        "sim_ref_failure_aware",
        "sim_ref",
        "copy_paste",
    ]
    for model in MODELS:
        row = next(r for r in rows if len(r) > 1 and r[1] == model)
        for offset, name in enumerate(names):
            entry = table["models"][model][name]
            expected = f"{entry['mean']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]".replace("-", "−")
            assert row[first + offset] == expected
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv").set_index("model")
    for model in (*MODELS, *ORACLES):
        for name in names:
            for part in ("mean", "low", "high", "n"):
                assert csv.loc[model, f"{name}_{part}"] == table["models"][model][name][part]


def test_compact_table_fits_a_paper_and_equals_the_summary(run: Path):
    models = summary_of(run)["recognizers"]["judge-a"]["strict"]["models"]
    csv = pd.read_csv(run / "tables" / "compact_judge-a.csv").set_index("model")
    for model in (*MODELS, *ORACLES):
        for name in ("sim_gt_failure_aware", "copy_paste", "found"):
            assert csv.loc[model, name] == models[model][name]["mean"]
    lines = (run / "tables" / "compact_judge-a.tex").read_text().splitlines()
    assert all(len(line) < 80 for line in lines if line.startswith("good"))
    assert any("Sim(GT)" in line for line in lines)


def test_failures_tell_the_two_forms_apart(run: Path):
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv").set_index("model")
    assert csv.loc["paste", "sim_gt_failure_aware_mean"] < csv.loc["paste", "sim_gt_mean"]
    assert csv.loc["paste", "found_mean"] < 1
    assert csv.loc["good", "sim_gt_failure_aware_mean"] == csv.loc["good", "sim_gt_mean"]


def test_ranks(run: Path):
    csv = pd.read_csv(run / "tables" / "headline_judge-a.csv", dtype=str).set_index("model")
    ranks = summary_of(run)["recognizers"]["judge-a"]["strict"]["groups"]["all"]["ranks"]
    assert csv.loc["good", "rank"].rstrip("=") == "1"
    assert csv.loc["weak", "copy_paste_rank"] == "below floor"
    assert {m: int(csv.loc[m, "rank"].rstrip("=")) for m in MODELS} == ranks["sim_gt_failure_aware"]
    for model in MODELS:
        shared = list(ranks["sim_gt_failure_aware"].values()).count(ranks["sim_gt_failure_aware"][model]) > 1
        assert csv.loc[model, "rank"].endswith("=") == shared


def test_oracles_stand_apart(run: Path):
    rows = [r[0] if len(r) == 1 else r[1] for r in section(run, "headline").rows if r]
    ruler = rows.index("The ruler: oracles, whose answers are known")
    assert set(MODELS) <= set(rows[:ruler])
    assert not set(ORACLES) & set(rows[:ruler])
    assert rows[ruler + 1 : ruler + 3] == list(ORACLES)


def test_directions_come_from_the_declarations(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    summary = summary_of(folder)
    summary["metrics"]["blending"]["direction"] = "higher"
    (folder / "summary.json").write_text(json.dumps(summary))
    write_report(folder)
    assert any("identity blending ↑" in r for r in section(folder, "headline").rows)


def test_without_clusters_intervals_are_dashes(tmp_path: Path):
    folder = build_run(tmp_path / "run", clusters=1, protocols=("strict",))
    write_report(folder)
    row = next(r for r in section(folder, "headline").rows if len(r) > 1 and r[1] == "good")
    assert row[2].endswith(" –") and not row[2].startswith("–")
    assert "fewer than two clusters" in (folder / "report.html").read_text(encoding="utf-8")
    csv = pd.read_csv(folder / "tables" / "headline_judge-a.csv").set_index("model")
    assert np.isnan(csv.loc["good", "sim_gt_low"])


def test_missing_numbers_are_dashes_never_zero(tmp_path: Path):
    folder = build_run(tmp_path / "run")
    summary = summary_of(folder)
    group = summary["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    del group["models"]["good"]["blending"]
    (folder / "summary.json").write_text(json.dumps(summary))
    write_report(folder)
    rows = section(folder, "headline").rows
    at = next(r for r in rows if r[0] == "rank").index("identity blending ↓")
    assert next(r for r in rows if len(r) > 1 and r[1] == "good")[at] == "–"
