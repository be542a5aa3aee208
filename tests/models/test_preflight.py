"""What would stop a model is found without loading it."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from support.in_process import idbench_here
from support.model_cards import pipeline, tensors
from support.runs import error_line

import idbench
from idbench.errors import MissingPackageError, WeightsError
from idbench.models import weights
from idbench.models.cards import Card, card_names, card_of
from idbench.models.preflight import Blocker, card_blockers, resource_warnings, stop_at_first
from idbench.models.settings import Settings, settings_of
from idbench.provenance import brings, canonical

EXTRA = re.compile(r"pip install 'idbench\[([a-z]+)\]'")


def blockers(card: Card, settings: Settings, device: str = "cpu") -> list[Blocker]:
    return [*card_blockers(card, settings, "generate"), *resource_warnings(card, settings, device)]


def require(card: Card, settings: Settings) -> None:
    stop_at_first(blockers(card, settings), card.name)


def test_weights_are_found_where_the_message_says(card: Card):
    need = card.need("base")
    pipeline(weights.expected_at(need))
    assert weights.usable(need, "mine") == weights.expected_at(need)
    assert blockers(card, settings_of(card, {})) == []


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda f: (f / "model_index.json").unlink(), "model_index.json is missing"),
        (lambda f: (f / "model_index.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "transformer" / "model-2.safetensors").unlink(), "1 of 2 files are missing"),
        (lambda f: tensors(f / "vae" / "model.safetensors", 20, cut=1), "vae: model.safetensors has"),
        (lambda f: (f / "vae" / "model.safetensors").write_bytes(b"\xff" * 9), "no safetensors header"),
        (lambda f: (f / "vae").rename(f / "vea"), "the folder vae is missing"),
    ],
)
def test_damaged_weights_are_found_without_reading_them(card: Card, tmp_path: Path, harm, expected: str):
    place = pipeline(tmp_path / "w")
    settings = settings_of(card, {"weights.base": str(place)})
    require(card, settings)
    harm(place)
    with pytest.raises(WeightsError, match=expected) as refused:
        require(card, settings)
    assert str(place) in str(refused.value)


def test_memory_is_told_only_where_there_is_too_little(card: Card):
    huge = card.model_copy(update={"billions": {"transformer": 1e6}})
    kinds = {
        name: [s.kind for s in blockers(c, settings_of(c, {}), "cpu")] for name, c in (("big", huge), ("small", card))
    }
    assert kinds == {"big": ["weights", "memory"], "small": kinds["small"]} and "weights" in kinds["small"]


def test_missing_packages_are_named(card: Card):
    lacking = card.model_copy(update={"packages": ("torch", "no-such-thing")})
    (blocker,) = [s for s in blockers(lacking, settings_of(card, {})) if s.kind == "package"]
    assert "no-such-thing" in blocker.text and "pip install" in blocker.text and "torch," not in blocker.text


def test_a_run_with_absent_weights_stops_before_anything_is_done(folder: Path, tmp_path: Path):
    refused = idbench_here("run", "--model", str(folder), "--out", str(tmp_path / "run"))
    assert "idbench models fetch mine" in error_line(refused)
    assert not (tmp_path / "run").exists()


def test_estimates_and_known_problems_stop_nothing():
    stop_at_first([Blocker("memory", "too little", stops=False), Blocker("known", "it leaks", stops=False)], "m")
    with pytest.raises(MissingPackageError, match=r"no licence \(and 1 more: idbench models check m\)"):
        stop_at_first([Blocker("licence", "no licence"), Blocker("key", "no key")], "m")


@pytest.mark.parametrize(
    ("packages", "hint"),
    [
        (["no_such-thing"], "pip install no_such-thing"),
        (["no-such-thing", "accelerate"], "pip install 'idbench[generate]' no-such-thing"),
        (["open_clip_torch"], "pip install 'idbench[generate]'"),
    ],
)
def test_the_hint_installs_every_package_that_is_lacking(card: Card, monkeypatch, packages, hint):
    monkeypatch.setattr("idbench.models.preflight.installed", lambda name: None)
    needy = card.model_copy(update={"packages": tuple(packages), "weights": ()})
    (blocker,) = card_blockers(needy, settings_of(card, {}), "generate")
    assert blocker.text.endswith(f"not installed here: {hint}")


def test_every_extra_that_a_hint_names_exists():
    hints = {extra for path in Path(idbench.__file__).parent.rglob("*.py") for extra in EXTRA.findall(path.read_text())}
    assert hints >= {"torch"} and all(brings(extra) for extra in hints - {"extra"})
    cards = [card_of(name) for name in card_names()]
    base = {canonical(re.split(r"[<>=! ;\[]", line)[0]) for line in requires("idbench") if "extra ==" not in line}
    for card in cards:
        extra = "hosted" if card.hosted else "generate"
        assert set(map(canonical, card.packages)) <= brings(extra) | base, card.name
