"""Footnotes on models: face encoders of a recognizer's family, and extra conditioning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from support.carded_reports import FAMILIES, Finished, card, names_of, table, with_cards
from support.reports import Page, section


def test_a_judge_of_the_encoders_family_is_marked_and_no_other(run: Path):
    for kind in ("headline", "compact", "outcomes", "tradeoff"):
        related, other = (table(run, f"{kind}_{judge}")["model_marks"] for judge in FAMILIES)
        assert "† face encoder of a recognizer's family (arcface: antelopev2, conditioning)" in related["paste"]
        assert "†" not in other["paste"]
        assert related.drop("paste").isna().all()
    pairs = pd.read_csv(run / "tables" / "comparisons_sim_gt_failure_aware_judge-a.csv")
    assert set(pairs.loc[pairs["a_marks"].notna(), "a"]) == {"paste"}
    assert "paste †‡" in names_of(run, "headline")


def test_the_legend_names_encoder_and_use(run: Path):
    legend = "† conditioned on or trained against a face encoder of this recognizer's family (arcface: antelopev2, conditioning)"
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
    assert "no recognizer of another family is in this run" in (run / "report.html").read_text(encoding="utf-8")


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
