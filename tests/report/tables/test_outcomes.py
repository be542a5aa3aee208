"""The table of outcomes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from support.reports import Page, section


def test_outcomes_show_every_failure(run: Path, page: Page):
    csv = pd.read_csv(run / "tables" / "outcomes_judge-a.csv").set_index("model")
    assert csv.loc["weak", "people_missing_person"] == 1
    assert csv.loc["paste", "people_generation_failed"] == csv.loc["paste", "images_generation_failed"] == 1
    assert csv.loc["good", "surplus_files"] == 1
    people = [c for c in csv.columns if c.startswith("people_")]
    assert (csv[people].sum(axis=1) == 9).all()
    assert "truncated" in page.text
    assert "generation failed" in section(run, "gallery").text
