"""`idbench models`: what cards say, and what would stop a model."""

from __future__ import annotations

import json

from support.in_process import idbench_here
from support.runs import error_line, idbench

from idbench.models.cards import card_names, card_of


def test_check_names_for_every_card_what_would_stop_it_without_loading_torch():
    done = idbench("models", "check", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and set(found) == set(card_names())
    kinds = {name: {problem["kind"] for problem in problems} for name, problems in found.items()}
    assert all(("key" if card_of(name).hosted else "weights") in of for name, of in kinds.items())
    assert all(("environment" in of) == (card_of(name).kind == "worker") for name, of in kinds.items())
    assert idbench("models", "check", "flux1-dev").returncode == 1


def test_list_and_show_tell_what_a_card_says():
    listed = idbench_here("models", "list").stdout
    assert all(name in listed for name in card_names()) and "sim:good" in listed and "oracle-paste" in listed
    shown = idbench_here("models", "show", "flux1-dev").stdout
    for part in ("guidance", "gated", "33.7 GB", "offload", "none|model|sequential", "Non-Commercial"):
        assert part in shown
    assert "did you mean 'flux1-dev'" in error_line(idbench_here("models", "show", "flux1-devv"))
    done = idbench_here("models", "show", "sim:good")
    assert done.returncode == 0 and "sim:good: simulated" in done.stdout and "share of a stranger" in done.stdout
    assert json.loads(idbench_here("models", "show", "sim:good", "--json").stdout)["parameters"]["drift"] == 0.1
