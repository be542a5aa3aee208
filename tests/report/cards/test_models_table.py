"""The table of models: what cards say, time and memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from support.carded_reports import VALUES, Finished, card, table, with_cards
from support.reports import section

from idbench.report import write_report


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
