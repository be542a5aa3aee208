"""models list, show, check, fetch: what can generate, what it needs, what would stop it here."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.crosscheck import crosscheck, crosscheck_options
from idbench.cli.options import add_command
from idbench.cli.output import confirm_download, print_json, print_table, progress
from idbench.cli.setup import setup

if TYPE_CHECKING:
    from idbench.kinds import ListedModel
    from idbench.models.cards import Card, Parameter
    from idbench.models.preflight import NeededWeights
    from idbench.models.specs import OpenedModel

__all__ = ["app", "fetch_weights", "needed_weights", "open_named"]

app = typer.Typer(help="Models that generate: cards, parameters, weights.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A changed parameter or weights.ROLE=PATH.")
]
Name = Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """Every model with a card, simulated models and their dials, and what else can be scored."""
    rows = [asdict(line) for line in _lines()]
    if json:
        print_json([{key: row[key] for key in ("model", "people", "what")} for row in rows])
    else:
        print_table(["model", "people", "what"], [[row["model"], row["people"], row["what"]] for row in rows])


def _lines() -> list[ListedModel]:
    """Cards, folders with cards, kinds of models by name, oracles."""
    from idbench import registry
    from idbench.kinds import ListedModel
    from idbench.models.cards import card_names, card_of
    from idbench.records import ORACLES

    cards = [ListedModel(card.name, card.summary, str(card.max_people or "any")) for card in map(card_of, card_names())]
    folder = ListedModel("FOLDER", "a folder of yours with a card.toml")
    kinds = [line for kind in registry.models.all().values() for line in kind.lines()]
    oracles = [ListedModel(name, f"{what} (in every run unless --no-oracles)", "any") for name, what in ORACLES.items()]
    return [*cards, folder, *kinds, *oracles]


@app.command()
def show(name: Name, json: Json = False) -> None:
    """A model's card: source, licence, what it is given, weights and parameters."""
    model = open_named(name)
    card = model.model.card
    if card is None:
        _show_without_card(model, json)
        return
    if json:
        print_json(card.model_dump(mode="json"))
        return
    print(f"{card.title}: {card.summary}")
    for what, value in _facts(card).items():
        if value:
            print(f"  {what:<14} {value}")
    print("weights")
    for need in card.weights:
        gate = ", gated" if need.gated else ""
        print(f"  {need.role:<14} {need.hub or need.file}, about {need.gigabytes:g} GB, {need.licence}{gate}")
    print(f"parameters (--set {card.name}.KEY=VALUE)")
    for key, one in (card.parameters | card.execution).items():
        print(f"  {key:<18} {one.default!s:<10} {one.meaning}{_span(one)}")


def _show_without_card(model: OpenedModel, as_json: bool) -> None:
    """A model that has parameters and no card, such as a simulated one."""
    from idbench import registry

    kind, parameters = registry.models.get(model.spec.kind), dict(model.model.parameters)
    if as_json:
        print_json({"name": model.name, "kind": model.spec.kind, "parameters": parameters})
        return
    meanings = {line.model.strip(): line.what for line in kind.lines()}
    print(f"{model.name}: {kind.what}; it has no card")
    print("parameters (--set NAME.KEY=VALUE)")
    for key, value in parameters.items():
        print(f"  {key:<18} {value!s:<10} {meanings.get(key, '')}".rstrip())


def _facts(card: Card) -> dict[str, str]:
    return {
        "paper": card.source.paper,
        "repository": " at ".join(filter(None, (card.source.repository, card.source.revision))),
        "licence": f"code {card.licence.code}, weights {card.licence.weights}",
        "people": f"at most {card.max_people}" if card.max_people else "no limit known",
        "face encoders": ", ".join(f"{e.name} ({e.family}, {e.use})" for e in card.face_encoders) or "none",
        "also given": ", ".join(card.extra_conditioning) or "nothing but prompt and references",
        "packages": ", ".join(card.packages),
        "known problems": "; ".join(card.known_problems),
    }


def _span(parameter: Parameter) -> str:
    """Choices or range of a parameter, in brackets; nothing where it has neither."""
    if parameter.choices:
        return f" ({'|'.join(parameter.choices)})"
    low, high = parameter.low, parameter.high
    return "" if low is None or high is None else f" ({low:g}..{high:g})"


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models as in 'idbench run --model'. [default: all cards]")
    ] = None,
    change: Set = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json: Json = False,
) -> None:
    """What would stop each model on this machine: packages, environments, weights, gates, memory. Loads nothing.

    Exit code 0 either way; with names given, 1 if anything stands in their way.
    """
    from idbench.models.cards import card_names

    found = {name: open_named(name, change).preflight(device) for name in names or card_names()}
    if json:
        print_json(
            {name: [{"kind": one.kind, "text": one.text} for one in blockers] for name, blockers in found.items()}
        )
    elif names:
        for name, blockers in found.items():
            print(name if blockers else f"{name}: ready")
            for one in blockers:
                print(f"  {one.kind:<11} {one.text}")
    else:
        states = [", ".join(dict.fromkeys(one.kind for one in blockers)) or "–" for blockers in found.values()]
        print_table(["model", "would be stopped by"], [list(row) for row in zip(found, states, strict=True)])
        print("\n'idbench models check NAME' says what exactly, and what to do")
    if names and any(found.values()):
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Name, change: Set = None, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Download a model's weights, after saying what, from where, how large and under which licence."""
    from idbench.models import weights

    fetch_weights(needed_weights(open_named(name, change)), name, yes)
    print(weights.weights_root())


def needed_weights(model: OpenedModel) -> tuple[NeededWeights, ...]:
    """The weights a model says it needs."""
    needs = model.needs()
    return needs.weights if needs is not None else ()


def fetch_weights(needed: tuple[NeededWeights, ...], model: str, yes: bool) -> None:
    """Download what is not here and has no place given by the user; asks unless `yes`."""
    from idbench.models import weights

    for need in needed:
        typer.echo(f"{need.what.role}: {weights.in_words(need.what)}", err=True)
    for need in needed:
        if need.given or weights.is_whole(need.what):
            typer.echo(f"{need.what.role}: {'' if need.given else 'here, '}{need.place}", err=True)
        else:
            _fetch_one(need, model, yes)


def _fetch_one(need: NeededWeights, model: str, yes: bool) -> None:
    from idbench.hub import download
    from idbench.models import weights
    from idbench.models.downloads import fetch_pack, look_up

    if need.what.form == "pack":
        fetch_pack(need.what, lambda what: yes or typer.confirm(what, abort=True, err=True))
        return
    offer = look_up(need.what, model)
    terms = f"{offer.licence or need.what.licence} ({need.what.licence})"
    confirm_download(offer, weights.expected_at(need.what), terms, yes)
    with progress() as callback:
        download(offer, weights.weights_root() / need.what.hub, callback)


def open_named(name: str, change: list[str] | None = None) -> OpenedModel:
    """The model that a name stands for, not loaded. `change` is KEY=VALUE, with or without the model's name before."""
    from idbench.models.specs import OpenedModel, plan_models

    (spec,) = plan_models([f"it={name}"])
    changes = [text.removeprefix(f"{name}.").partition("=") for text in change or ()]
    spec = replace(spec, name=name, given={key: value for key, _, value in changes})
    return OpenedModel(spec, spec.open())


app.command()(setup)
add_command(app, "crosscheck", crosscheck, crosscheck_options)
