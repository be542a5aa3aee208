"""Whole runs of hosted models: costs, refusals, caps, and the key on no disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.comparing import ledger
from support.lazy import needs
from support.runs import CHEAP, idbench, options
from support.vendors import FORMS, VENDORS, Answer, Asked, google_image, openai_image

from idbench.models.cards import card_of

pytestmark = needs("openai", "google.genai")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(cache: Path, out: Path, *models: str, **changes: str) -> Any:
    asked = {"suite": "synthetic:small", "subsets": ["p3"], "recognizers": ["mini"], "model": models, "out": out}
    changed = [f"{model}.{key}={value}" for model in models for key, value in ({"retries": "0"} | changes).items()]
    arguments = options(CHEAP | asked | {"set": changed, "oracles": False})
    done = idbench("run", *arguments, env=os.environ | {"IDBENCH_CACHE": str(cache), "OPENAI_LOG": "debug"})
    incomplete = any(line.get("retryable") for model in models for line in last(out, model).values())
    assert done.returncode == (3 if incomplete else 0), done.stderr
    assert not any(form in done.stdout + done.stderr for form in FORMS)
    for path in out.rglob("*"):
        written = f"{path}".encode() + (path.read_bytes() if path.is_file() else b"")
        assert not any(form.encode() in written for form in FORMS), path
    return done


def last(out: Path, model: str) -> dict[str, dict[str, Any]]:
    return {line["case"]: line for line in ledger(out) if line["model"] == model}


def test_a_run_records_cost_version_and_refusals_and_leaves_the_key_nowhere(vendor, which, cache, tmp_path: Path):
    def answer(number: int, asked: Asked) -> Answer:
        wanted = [which.refusal, which.broken, (200, b"{"), (200, {})]
        if number < len(wanted):
            return wanted[number][0], {}, wanted[number][1]
        return 200, {}, which.image()

    vendor.answer = answer
    out = tmp_path / "run"
    run(cache, out, which.card)
    lines = list(last(out, which.card).values())
    made = [line for line in lines if line["outcome"] == "generated"]
    assert made and all(line["version"] == which.version and line["cost"] == pytest.approx(which.cost) for line in made)
    assert [line["error"] for line in lines if line["outcome"] == "refused"] == [which.reason]
    assert sum(line["outcome"] == "generation_failed" for line in lines) == 3
    assert not any(line.get("retryable") for line in lines) and len(lines) == len(vendor.seen)
    about = json.loads((out / "run.json").read_text())["models"][which.card]
    assert about["card"]["hosted"]["prices"]["date"] and about["model"] == card_of(which.card).hosted.model
    asked = len(vendor.seen)
    run(cache, out, which.card)
    assert len(vendor.seen) == asked, "nothing is asked, or paid for, twice"


def test_a_cap_stops_a_model_and_a_higher_one_lets_it_go_on(vendor, cache, tmp_path: Path):
    which = VENDORS["openai"]
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    out = tmp_path / "run"
    done = run(cache, out, which.card, spending_cap="0.30", batch="2")
    lines = last(out, which.card)
    spent = sum(line.get("cost", 0) for line in lines.values())
    assert 0.2 < spent <= 0.31 and len(vendor.seen) == round(spent / which.cost) < len(lines)
    rest = [line for line in lines.values() if line["outcome"] != "generated"]
    assert {(line["error"], line["retryable"]) for line in rest} == {("spending cap of $0.3 reached", True)}
    assert done.stderr.count("spending cap of $0.3 reached; the next run asks for the rest") == 1
    asked = len(vendor.seen)
    run(cache, out, which.card, spending_cap="0.30")
    assert len(vendor.seen) == asked, "what earlier starts spent counts"
    run(cache, out, which.card, spending_cap="100")
    assert len(vendor.seen) == len(lines)
    assert {line["outcome"] for line in last(out, which.card).values()} == {"generated"}


@pytest.mark.parametrize("what", ["wrong_key", "quota"])
def test_a_vendor_that_takes_no_more_stops_its_model_and_no_other(vendor, cache, tmp_path: Path, what: str):
    first, second = VENDORS["openai"], VENDORS["google"]

    def answer(number: int, asked: Asked) -> Answer:
        if "images" not in asked.path:
            return 200, {}, google_image()
        status, body = getattr(first, what)
        return (200, {}, openai_image()) if number < 2 else (status, {}, body)

    vendor.answer = answer
    out = tmp_path / "run"
    done = run(cache, out, first.card, second.card, batch="2")
    lines = last(out, first.card)
    assert sum(line["outcome"] == "generated" for line in lines.values()) == 2
    rest = [line for line in lines.values() if line["outcome"] != "generated"]
    assert all(line["retryable"] and line["error"].startswith("requests stopped: OpenAI") for line in rest)
    assert sum("images" in asked.path for asked in vendor.seen) == 3, "no batch follows the one that was turned away"
    assert done.stderr.count("requests stopped") == 1
    assert {line["outcome"] for line in last(out, second.card).values()} == {"generated"}
    vendor.answer = lambda number, asked: (200, {}, openai_image())
    run(cache, out, first.card)
    assert {line["outcome"] for line in last(out, first.card).values()} == {"generated"}
