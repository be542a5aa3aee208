"""Keys: missing ones are named, and none is written anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.in_process import idbench_here
from support.lazy import needs
from support.runs import error_line
from support.vendors import FORMS, KEY, opened

from idbench.errors import ConfigError
from idbench.models.hosted import Scrubber
from idbench.models.preflight import blockers

pytestmark = needs("openai", "google.genai")


@pytest.mark.parametrize(
    ("value", "expected"), [("", "needs a key in the environment variable"), ("sk 1", "part of no key")]
)
def test_a_missing_or_mistyped_key_stops_a_model_in_one_line(vendor, which, monkeypatch, value, expected):
    model = opened(which)
    for name in model.hosted.keys:
        monkeypatch.setenv(name, value)
    (blocker,) = blockers(model.card, model.settings)
    assert blocker.kind == "key" and expected in blocker.text and (not value or value not in blocker.text)
    with pytest.raises(ConfigError, match=expected):
        model.load("cpu")


def test_a_run_without_a_key_stops_before_anything_is_done(vendor, which, monkeypatch, tmp_path: Path):
    assert idbench_here("models", "check", which.card).stdout.split() == [f"{which.card}:", "ready"]
    for name in [name for name in os.environ if name.endswith("API_KEY")]:
        monkeypatch.delenv(name)
    refused = idbench_here("run", "--model", which.card, "--out", tmp_path / "run")
    assert "needs a key" in error_line(refused) and not (tmp_path / "run").exists()
    assert idbench_here("models", "check", which.card).returncode == 1


def test_the_key_is_taken_out_of_all_text_however_it_is_written(vendor, capsys):
    import sys

    scrubber = Scrubber(["OPENAI_API_KEY"], sys.stderr)
    for form in FORMS - {KEY[10:30], "Very_Secret%2B0123"}:
        print(f"a traceback with {form} in it", file=scrubber)
    said = capsys.readouterr().err
    assert said == "a traceback with *** in it\n" * 2
