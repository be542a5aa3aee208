"""The report on models with cards: kinship with judges, extra conditioning, the table of models, sweeps."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_report import HOSTILE, MODELS, Page, browse, build_run, section

from idbench.report import write_comparison, write_report
from idbench.report.data import load
from idbench.report.plane import planes, sweep_plane
from idbench.report.sweeps import about, sweeps
from idbench.stats import Verification, line_distances
from idbench.summary import Settings, summarise
from idbench.tables import read_tables

VALUES = {"w@s=10": 10.0, "w@s=0": 0.0, "w@s=2": 2.0}
"""Values of a sweep, neither in the order of numbers nor of words."""
FAMILIES = {"judge-a": "arcface", "judge-b": "facenet"}
Change = Callable[[dict[str, Any]], None]
Finished = Callable[..., Path]


def card(title: str = "With Anyone", **changes: Any) -> dict[str, Any]:
    return {
        "name": "withanyone", "title": title, "summary": "A model.", "most_people": 4, "extra_conditioning": ["target boxes"],
        "source": {"paper": "arXiv 2510.14975", "repository": "https://example.org/withanyone", "revision": "0f" * 20},
        "licence": {"code": "Apache-2.0", "weights": "non-commercial"},
        "face_encoders": [{"family": "arcface", "name": "antelopev2", "use": "conditioning"}],
    } | changes  # fmt: skip


def with_cards(record: dict[str, Any]) -> None:
    """A carded model that copies, one without kin or extras, and a sweep."""
    models = record["models"]
    models["paste"] = {"kind": "withanyone", "card": card(), "parameters": {"steps": 25, "width": 512}}
    models["weak"] = {
        "kind": "diffusers", "parameters": {"steps": 4, "width": 512},
        "card": card("Plain", extra_conditioning=[], face_encoders=[], most_people=None),
    }  # fmt: skip
    for model, value in VALUES.items():
        models[model] = {
            "kind": "simulated", "parameters": {"s": value},
            "sweep": {"of": "w", "parameter": "s", "value": value},
        }  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A run on models and a sweep that its record says nothing about; the summary knows the sweep."""
    with pytest.MonkeyPatch.context() as patch:
        for i, model in enumerate(VALUES):
            patch.setitem(MODELS, model, (0.5 + 0.1 * i, 0.1 * i))
        folder = build_run(
            tmp_path_factory.mktemp("plain") / "run", cases=5, models=tuple(MODELS), protocols=("strict",)
        )
    judges = json.loads((folder / "judges.json").read_text())
    verifications = {name: Verification(**one) for name, one in judges.items()}
    summary = summarise(*read_tables(folder), verifications, Settings(resamples=600), set(VALUES))
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


@pytest.fixture(scope="module")
def finished(plain: Path) -> Finished:
    """Makes a reported run whose record says what `change` makes it say."""

    def make(folder: Path, change: Change = with_cards, families: dict[str, str] = FAMILIES) -> Path:
        shutil.copytree(plain, folder)
        record = json.loads((folder / "run.json").read_text())
        record["config"]["resamples"] = 600
        for judge, family in families.items():
            record["recognizers"][judge]["family"] = family
        change(record)
        (folder / "run.json").write_text(json.dumps(record))
        write_report(folder)
        return folder

    return make


@pytest.fixture(scope="module")
def run(finished: Finished, tmp_path_factory) -> Path:
    return finished(tmp_path_factory.mktemp("cards") / "run")


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(run / "tables" / f"{name}.csv", dtype=str).set_index("model")


def names_of(run: Path, part: str) -> set[str]:
    return {cell.strip() for row in section(run, part).rows for cell in row}


# ---------------------------------------------------------------- judges and judged


def test_a_judge_of_the_encoders_family_is_marked_and_no_other(run: Path):
    for kind in ("headline", "compact", "outcomes", "tradeoff"):
        related, other = (table(run, f"{kind}_{judge}")["model_marks"] for judge in FAMILIES)
        assert "† face encoder of a judge's family (arcface: antelopev2, conditioning)" in related["paste"]
        assert "†" not in other["paste"]
        assert related.drop("paste").isna().all()
    pairs = pd.read_csv(run / "tables" / "comparisons_sim_gt_failure_aware_judge-a.csv")
    assert set(pairs.loc[pairs["a_marks"].notna(), "a"]) == {"paste"}
    assert "paste †‡" in names_of(run, "headline")


def test_the_legend_names_encoder_and_use(run: Path):
    legend = (
        "† conditioned on or trained against a face encoder of this judge's family (arcface: antelopev2, conditioning)"
    )
    assert legend in section(run, "headline").text
    assert legend in (run / "tables" / "headline_judge-a.md").read_text()
    assert (
        "%" + legend.replace("†", r" for the caption: \dag{}") in (run / "tables" / "headline_judge-a.tex").read_text()
    )
    assert "†" not in (run / "tables" / "headline_judge-b.md").read_text()
    both = (run / "tables" / "recognizers.md").read_text()
    assert "of the family of judge-a (arcface: antelopev2, conditioning)" in both


def test_several_models_are_told_apart_in_the_legend(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        uses = [{"family": "arcface", "name": "r100", "use": use} for use in ("conditioning", "training")]
        record["models"]["good"] = {"card": card("Other", face_encoders=uses, extra_conditioning=["pose"])}

    text = section(finished(tmp_path / "run", change), "headline").text
    assert "(arcface; Other: r100, conditioning and training; With Anyone: antelopev2, conditioning)" in text
    assert "‡ given more than prompt and references: Other: pose; With Anyone: target boxes" in text


def test_independent_ranks_bracket_those_of_kin(run: Path):
    ranks = table(run, "independent_ranks")
    assert list(ranks.columns[-2:]) == ["rank_judge-b", "rank_judge-a"]
    assert {m for m in ranks.index if str(ranks.loc[m, "rank_judge-a"]).startswith("(")} == {"paste"}
    assert not ranks["rank_judge-b"].str.contains("(", regex=False).any()
    headline = table(run, "headline_judge-a")["rank"]
    swept = [model for model in ranks.index if "@" in model]
    assert swept and ranks.loc[swept, "rank_judge-a"].isna().all() and headline[swept].isna().all()
    assert table(run, "headline_judge-a").loc[swept, "copy_paste_rank"].isna().all()
    assert table(run, "tradeoff_judge-a").loc[swept, "pareto"].isna().all()
    ranked = [model for model in ranks.index if model not in swept]
    assert all(ranks.loc[m, "rank_judge-a"].strip("()") == headline[m] for m in ranked)


def test_without_a_judge_of_another_family_there_is_no_such_ranking(finished: Finished, tmp_path: Path):
    run = finished(tmp_path / "run", with_cards, dict.fromkeys(FAMILIES, "arcface"))
    assert not (run / "tables" / "independent_ranks.csv").exists()
    assert "no judge of another family is in this run" in (run / "report.html").read_text(encoding="utf-8")


def test_notes_name_judge_models_and_extras(run: Path):
    text = Page((run / "report.html").read_text(encoding="utf-8")).text
    assert "judge-a is of the family (arcface) of a face encoder" in text
    assert "may favour them: With Anyone; the headline has the ranking by judge-b beside it." in text
    assert "Given more than prompt and references, which the other models were not: With Anyone (target boxes)." in text
    assert "judge-b is of the family" not in text


def test_extra_conditioning_is_marked_under_every_judge(run: Path):
    for judge in FAMILIES:
        marks = table(run, f"headline_{judge}")["model_marks"]
        assert "‡ also given target boxes" in marks["paste"]
        assert marks.drop("paste").isna().all()
        assert (
            "‡ given more than prompt and references: target boxes"
            in (run / "tables" / f"further_{judge}.md").read_text()
        )


# ---------------------------------------------------------------- the table of models


def test_models_table_says_what_the_card_says(run: Path):
    found = table(run, "models")
    assert list(found.index) == ["paste", "weak"]
    assert list(found.loc["paste"]) == [
        "With Anyone", "target boxes", "arcface: antelopev2, conditioning", "4", "steps 25", "non-commercial",
        "arXiv 2510.14975; example.org/withanyone@0f0f0f0f0f0f",
    ]  # fmt: skip
    assert list(found.loc["weak"][:4]) == ["Plain", "nothing", "none", "no limit known"]
    text = section(run, "models").text
    assert "the same for all of them: width 512" in text
    assert re.search(r"No card, .*: good, <script>", text) and "w@s" not in text


def test_time_and_memory_come_from_generated_images(finished: Finished, tmp_path: Path):
    run = finished(tmp_path / "run", with_cards)
    images = pd.read_parquet(run / "images.parquet")
    ours = images["model"] == "paste"
    images.loc[ours, "seconds"] = np.arange(ours.sum(), dtype=float)
    images["peak_memory"] = np.where(ours, 2.5e9, np.nan)
    images.loc[ours & (images["outcome"] != "generated"), ["seconds", "peak_memory"]] = [1e6, 1e15]
    images.to_parquet(run / "images.parquet")
    write_report(run)
    found = table(run, "models")
    generated = images.loc[ours & (images["outcome"] == "generated"), "seconds"]
    assert float(found.loc["paste", "seconds"]) == generated.median()
    assert float(found.loc["paste", "peak_memory"]) == 2.5
    assert pd.isna(found.loc["weak", "seconds"])


def test_a_sweep_has_one_row(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        for model in VALUES:
            record["models"][model]["card"] = card()

    found = table(finished(tmp_path / "run", change), "models")
    assert list(found.index) == ["paste", "weak", "w@s"]
    assert found.loc["w@s", "parameters"] == "s 0 to 10"


# ---------------------------------------------------------------- sweeps


def test_points_are_joined_in_the_order_of_the_parameter(run: Path):
    data = load(run)
    (sweep,) = sweeps(data)
    assert sweep.models == ("w@s=0", "w@s=2", "w@s=10")
    plane = sweep_plane(data, "judge-a", sweep)
    assert plane is not None
    at = {p.model: (p.px, p.py) for p in plane.points}
    assert plane.paths == ["M" + "L".join(f"{at[m][0]} {at[m][1]}" for m in sweep.models)]
    assert {p.model: p.label.text for p in plane.points} == {"w@s=0": "0", "w@s=2": "2", "w@s=10": "10"}
    assert all(p.ellipse for p in plane.points)


def test_words_have_no_order_to_join(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        for model, value in zip(VALUES, ("euler", "heun", "ddim"), strict=True):
            record["models"][model]["sweep"]["value"] = value

    data = load(finished(tmp_path / "run", change))
    (sweep,) = sweeps(data)
    assert list(sweep.labels.values()) == ["euler", "heun", "ddim"]
    plane = sweep_plane(data, "judge-a", sweep)
    assert plane is not None and plane.paths == []


def test_the_main_plane_joins_a_sweep_and_names_its_ends(run: Path):
    data = load(run)
    first, _ = planes(data, "judge-a")
    by = {p.model: p for p in first.points}
    assert len(first.paths) == 1 and first.paths[0].startswith(f"M{by['w@s=0'].px} {by['w@s=0'].py}L")
    assert [by[m].label and by[m].label.text for m in ("w@s=0", "w@s=2", "w@s=10")] == ["w@0", None, "w@10"]
    assert by["paste"].label.text == "paste †‡"
    assert not by["w@s=2"].ellipse and by["good"].ellipse


def test_the_table_of_a_sweep_equals_the_summary(run: Path):
    found = pd.read_csv(run / "tables" / "sweep_w-s_judge-a.csv").set_index("value")
    models = json.loads((run / "summary.json").read_text())["recognizers"]["judge-a"]["strict"]["models"]
    assert list(found.index) == [0, 2, 10]
    for model, value in VALUES.items():
        for name in ("sim_gt_failure_aware", "sim_gt", "sim_ref", "copy_paste", "found"):
            assert [found.loc[value, f"{name}_{k}"] for k in ("mean", "low", "high")] == [
                models[model][name][k] for k in ("mean", "low", "high")
            ]
    assert "One model, w, at 3 values of s, from 0 to 10; everything else is the same." in section(run, "sweeps").text


def test_what_changes_along_with_the_parameter_is_said(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        for model, value in VALUES.items():
            record["models"][model]["parameters"]["id_weight"] = 1 - value

    data = load(finished(tmp_path / "run", change))
    assert about(data, sweeps(data)[0]).endswith("from 0 to 10; id_weight changes with it.")


def test_variants_do_not_shape_the_line_but_are_measured_from_it(run: Path):
    summary = json.loads((run / "summary.json").read_text())
    group = summary["recognizers"]["judge-a"]["strict"]["groups"]["all"]
    assert set(summary["variants"]) == set(VALUES)
    at = {m: [group["models"][m][n]["mean"] for n in ("sim_gt_failure_aware", "copy_paste")] for m in MODELS | VALUES}
    shaping = [m for m in MODELS if at[m][0] >= group["copy_paste_floor"]]
    assert len(shaping) == 3
    for variant in VALUES:
        x, y = np.array([at[m] for m in (*shaping, variant)]).T
        found = group["tradeoff"]["line_distance"][variant]
        assert found["mean"] == pytest.approx(line_distances(x, y)[-1])
        assert found["low"] <= found["mean"] <= found["high"]
    assert not set(shaping) & set(group["tradeoff"]["line_distance"])  # two others make no line
    assert "no fair competitor" in section(run, "plane").text


def test_runs_side_by_side_keep_their_sweeps_apart(run: Path, finished: Finished, tmp_path: Path):
    again = finished(tmp_path / "again", with_cards)
    write_comparison([run, again], tmp_path / "out")
    names = {p.name for p in (tmp_path / "out" / "tables").glob("sweep_*judge-a.csv")}
    assert names == {"sweep_w-s-run_judge-a.csv", "sweep_w-s-again_judge-a.csv"}
    assert table(tmp_path / "out", "headline_judge-a").loc["paste (again)", "model_marks"].startswith("†")
    assert len(json.loads((tmp_path / "out" / "summary.json").read_text())["variants"]) == 6


# ---------------------------------------------------------------- the page as a whole


def test_hostile_cards_stay_text(finished: Finished, tmp_path: Path):
    def change(record: dict[str, Any]) -> None:
        with_cards(record)
        record["models"]["paste"] = {
            "kind": HOSTILE, "parameters": {HOSTILE: HOSTILE}, "weights": {HOSTILE: HOSTILE},
            "card": card(
                HOSTILE, extra_conditioning=[HOSTILE], source=dict.fromkeys(("paper", "repository", "revision"), HOSTILE),
                licence={"weights": HOSTILE}, face_encoders=[{"family": "arcface", "name": HOSTILE, "use": HOSTILE}],
            ),
        }  # fmt: skip
        for model in VALUES:
            record["models"][model]["sweep"] |= {"of": HOSTILE, "parameter": HOSTILE}

    run = finished(tmp_path / "run", change)
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert [attrs for tag, attrs in page.elements if tag == "script"] == [{}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "<script>alert" not in text
    assert f"given more than prompt and references: {HOSTILE}" in page.text
    assert all("<script>" not in p.read_text() for p in (run / "tables").glob("*.md"))


def test_addresses_are_no_links(run: Path):
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert all(a["href"].startswith(("#", "data:")) for _, a in page.elements if a.get("href"))


def test_without_cards_nothing_is_added(tmp_path: Path):
    run = build_run(tmp_path / "run", cases=5, protocols=("strict",))
    write_report(run)
    text = (run / "report.html").read_text(encoding="utf-8")
    sections = [a["id"] for t, a in Page(text).elements if t == "section"]
    assert sections == [
        "headline",
        "outcomes",
        "plane",
        "distributions",
        "comparisons",
        "parts",
        "images",
        "gallery",
        "provenance",
    ]
    assert not re.search("[†‡]", text) and 'class="hint legend"' not in text and 'class="sweep"' not in text
    names = {p.stem for p in (run / "tables").iterdir()}
    assert not [n for n in names if n.startswith(("models", "sweep", "independent"))]
    assert "model_marks" not in table(run, "headline_judge-a").columns


def test_too_many_pairs_for_the_resamples_are_said(run: Path, finished: Finished, tmp_path: Path):
    assert "no two models can be told apart" not in (run / "report.html").read_text(encoding="utf-8")
    few = finished(tmp_path / "run", lambda record: record["config"].update(resamples=100))
    assert "6 pairs are compared with 100 resamples" in (few / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_overflow(run: Path, tmp_path: Path, width: int):
    probe = "(d) => { for (const x of d.querySelectorAll('details')) x.open = true; return {wide: d.documentElement.scrollWidth, seen_width: d.documentElement.clientWidth}; }"
    result = browse(run / "report.html", tmp_path, width, probe)
    assert result["wide"] <= result["seen_width"] <= width
    assert result["seen"] == []
