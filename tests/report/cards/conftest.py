"""One run on models and a sweep, reported with whatever its record says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.carded_reports import FAMILIES, VALUES, Change, Finished, with_cards
from support.reports import MODELS, VERIFICATION, build_run, write_summary

from idbench.report import write_report
from idbench.stats import Verification
from idbench.summary import Settings, summarise
from idbench.tables import read_tables


@pytest.fixture(scope="session")
def plain(tmp_path_factory) -> Path:
    """A run on models and a sweep that its record says nothing about; the summary knows the sweep."""
    with pytest.MonkeyPatch.context() as patch:
        for i, model in enumerate(VALUES):
            patch.setitem(MODELS, model, (0.5 + 0.1 * i, 0.1 * i))
        folder = build_run(
            tmp_path_factory.mktemp("plain") / "run", cases=5, models=tuple(MODELS), protocols=("strict",)
        )
    verifications = {name: Verification(**VERIFICATION) for name in FAMILIES}
    write_summary(folder, summarise(*read_tables(folder), verifications, Settings(resamples=600), set(VALUES)))
    return folder


@pytest.fixture(scope="session")
def finished(plain: Path) -> Finished:
    """Makes a reported run whose record says what `change` makes it say."""

    def make(folder: Path, change: Change = with_cards, families: dict[str, str] = FAMILIES) -> Path:
        shutil.copytree(plain, folder)
        record = json.loads((folder / "run.json").read_text())
        record["config"]["resamples"] = 600
        for recognizer, family in families.items():
            record["recognizers"][recognizer]["family"] = family
        change(record)
        (folder / "run.json").write_text(json.dumps(record))
        write_report(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def run(finished: Finished, tmp_path_factory) -> Path:
    return finished(tmp_path_factory.mktemp("cards") / "run")
