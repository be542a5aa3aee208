"""Cards: those that ship are valid, wrong ones are refused in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.model_cards import CARD

from idbench.errors import ConfigError, UnknownNameError
from idbench.models.cards import Parameter, card_names, card_of, load_card
from idbench.models.memory import expected_memory
from idbench.models.settings import settings_of


@pytest.mark.parametrize("name", card_names())
def test_every_card_that_ships_is_valid_and_says_where_it_is_from(name: str):
    card = card_of(name)
    assert card.name == name
    assert card.source.repository.startswith("https://") and card.licence.weights
    assert all(need.hub or need.form == "pack" for need in card.weights) and bool(card.weights) == (card.hosted is None)
    assert card.hosted or expected_memory(card, settings_of(card, {}))[0] > 1
    assert {"width", "height"} <= card.parameters.keys()
    assert card.packages or card.kind == "worker"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('title = "Mine"', 'title = "Mine"\ntitel = "x"', "titel.*did you mean 'title'"),
        ("max_people = 2", "max_people = 0", "max_people"),
        ('form = "pipeline"', 'form = "zip"', "weights.0.form"),
        ('form = "pipeline"', 'form = "file"', "need a file"),
        ("default = 25", "default = 250", "1 to 100, found 250"),
        ('choices = ["bfloat16", "float32"]', 'choices = ["float32"]', "one of float32"),
        ("[parameters.width]", "[parameters.batch]", "cannot be called 'batch'"),
        ("[source]", "[source", "card.toml"),
        ('name = "mine"', 'name = "../mine"', "name"),
    ],
)
def test_a_card_that_is_wrong_is_one_line(folder: Path, old: str, new: str, expected: str):
    assert old in CARD
    (folder / "card.toml").write_text(CARD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=expected) as refused:
        load_card(folder)
    assert "\n" not in str(refused.value) or "TOML" in expected


def test_an_unknown_card_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'flux1-dev'"):
        card_of("flux1-dex")


def test_true_and_false_are_the_only_truths():
    flag = Parameter(default=False, meaning="")
    assert flag.parse("true") is True and flag.parse("False") is False
    with pytest.raises(ValueError, match="true or false"):
        flag.parse("1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("source = {repositry = 'x'}", "no field is called 'source.repositry'; did you mean 'repository'?"),
        ("source = {}\n[parameters.steps]\ndefault = 1\nmeaning = 'x'\nlo = 1", "did you mean 'low'?"),
        ("source = {}\n[[weights]]\nrole = 'a'\nform = 'file'\nhubb = 'x'", "did you mean 'hub'?"),
        ("source = {}\nsumary = 'x'", "no field is called 'sumary'; did you mean 'summary'?"),
    ],
)
def test_a_field_that_does_not_exist_has_a_suggestion_from_its_own_table(tmp_path, text, expected):
    head = 'name = "m"\nkind = "diffusers"\ntitle = "t"\nlicence = {code = "a", weights = "b"}\n'
    summary = "" if "sumary" in text else 'summary = "s"\n'
    (tmp_path / "card.toml").write_text(head + summary + text)
    with pytest.raises(ConfigError, match=re.escape(expected)):
        load_card(tmp_path)
