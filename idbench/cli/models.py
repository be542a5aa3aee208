"""models list, show, check, fetch: what can generate, what it needs, what would stop it here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idbench.cli.output import confirm_download, print_json, print_table, progress

if TYPE_CHECKING:
    from idbench.models.carded import CardModel

__all__ = ["app", "print_plan"]

app = typer.Typer(help="Models that generate: cards, parameters, weights.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A changed parameter or weights.ROLE=PATH.")
]


@app.command("list")
def list_models(json: Json = False) -> None:
    """Every model with a card, simulated models and their dials, and what else can be scored."""
    from idbench import registry
    from idbench.models.cards import card_names, card_of
    from idbench.models.oracles import ORACLES
    from idbench.models.simulated import DIALS, PRESETS

    rows = []
    for name in card_names():
        card = card_of(name)
        rows.append({"model": name, "people": str(card.most_people or "any"), "what": card.summary})
    kinds = {card_of(name).kind for name in card_names()} | {"images", "sim", "diffusers", "withanyone"}
    rows += [
        {"model": kind, "people": "", "what": "from another package"}
        for kind in registry.models.names()
        if kind not in kinds
    ]
    rows.append({"model": "FOLDER", "people": "", "what": "a folder of yours with a card.toml"})
    rows.append(
        {"model": "sim", "people": "any", "what": "sim:copy=0.7,drift=0.2: simulated, synthetic suites only; dials:"}
    )
    rows += [{"model": f"  {name}", "people": "", "what": meaning} for name, meaning in DIALS.items()]
    rows += [{"model": f"sim:{name}", "people": "any", "what": preset.spec} for name, preset in PRESETS.items()]
    rows.append({"model": "images", "people": "any", "what": "--images NAME=FOLDER: images that exist, named by case"})
    rows += [
        {"model": name, "people": "any", "what": f"{what} (in every run unless --no-oracles)"}
        for name, what in ORACLES.items()
    ]
    if json:
        print_json(rows)
    else:
        print_table(["model", "people", "what"], [[row["model"], row["people"], row["what"]] for row in rows])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")], json: Json = False
) -> None:
    """A model's card: source, licence, what it is given, weights and parameters."""
    card = _open(name).card
    if json:
        print_json(card.model_dump(mode="json"))
        return
    print(f"{card.title}: {card.summary}")
    facts = {
        "paper": card.source.paper,
        "repository": " at ".join(filter(None, (card.source.repository, card.source.revision))),
        "licence": f"code {card.licence.code}, weights {card.licence.weights}",
        "people": f"at most {card.most_people}" if card.most_people else "no limit known",
        "face encoders": ", ".join(f"{e.name} ({e.family}, {e.use})" for e in card.face_encoders) or "none",
        "also given": ", ".join(card.extra_conditioning) or "nothing but prompt and references",
        "packages": ", ".join(card.packages),
        "known problems": "; ".join(card.known_problems),
    }
    for what, value in facts.items():
        if value:
            print(f"  {what:<14} {value}")
    print("weights")
    for need in card.weights:
        gate = ", gated" if need.gated else ""
        print(f"  {need.role:<14} {need.hub or need.file}, about {need.gigabytes:g} GB, {need.licence}{gate}")
    print(f"parameters (--set {card.name}.KEY=VALUE)")
    for key, one in (card.parameters | card.execution).items():
        span = "|".join(one.choices) or (f"{one.low:g}..{one.high:g}" if None not in (one.low, one.high) else "")
        print(f"  {key:<18} {one.default!s:<10} {one.meaning}{f' ({span})' if span else ''}")


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Cards or folders with one. [default: all cards]")] = None,
    change: Set = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json: Json = False,
) -> None:
    """What would stop each model on this machine: packages, weights, gates, memory. Loads nothing.

    Exit code 0 either way; with names given, 1 if anything stands in their way.
    """
    from idbench.models.cards import card_names
    from idbench.models.checking import stoppers

    found: dict[str, list[dict[str, str]]] = {}
    for name in names or card_names():
        model = _open(name, change)
        found[name] = [{"kind": one.kind, "text": one.text} for one in stoppers(model.card, model.settings, device)]
    if json:
        print_json(found)
    else:
        for name, problems in found.items():
            print(f"{name}: {'ready' if not problems else ''}".rstrip())
            for problem in problems:
                print(f"  {problem['kind']:<8} {problem['text']}")
    if names and any(found.values()):
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")],
    change: Set = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Download a model's weights, after saying what, from where, how large and under which licence."""
    from idbench.hub import download
    from idbench.models import weights
    from idbench.models.fetching import fetch_pack, look_up

    model = _open(name, change)
    for need in model.card.needed(model.parameters):
        place = weights.expected_at(need)
        if weights.is_whole(need):
            typer.echo(f"{need.role}: here, {weights.find(need)}", err=True)
            continue
        if need.form == "pack":
            fetch_pack(need, lambda what: yes or typer.confirm(what, abort=True, err=True))
            continue
        offer = look_up(need, model.card.name)
        confirm_download(offer, place, f"{offer.licence or need.licence} ({need.licence})", yes)
        with progress() as callback:
            download(offer, place.parent if need.form == "file" else place, callback)
    print(weights.weights_root())


def _open(name: str, change: list[str] | None = None) -> CardModel:
    """The card's model, not loaded. `change` is KEY=VALUE, with or without the model's name in front."""
    from idbench.errors import ConfigError
    from idbench.models.carded import CardModel
    from idbench.models.opening import plan_models

    (spec,) = plan_models([f"it={name}"])
    if not (Path(spec.location) / "card.toml").is_file():
        raise ConfigError(f"'{name}' has no card; see 'idbench models list'")
    changes = [text.removeprefix(f"{name}.").partition("=") for text in change or ()]
    return CardModel(name, spec.location, {key: value for key, _, value in changes})


def print_plan(planned: dict[str, Any]) -> None:
    """A plan as a person reads it."""
    for entry in planned["models"]:
        done = entry["images"] - entry["to_do"]
        print(f"{entry['model']}: {entry['to_do']} images to make" + (f", {done} are made" if done else ""))
        if entry["refused"]:
            print(f"  refused      {entry['refused']} images of cases with too many people; they count as failures")
        if jobs := entry["jobs"]:
            first = ", ".join(f"{job['case']}--{job['seed']}" for job in jobs[:5])
            print(f"  jobs         {first}{', ... (all with --json)' if len(jobs) > 5 else ''}")
        if entry["parameters"]:
            print(f"  parameters   {', '.join(f'{k}={v}' for k, v in entry['parameters'].items())}")
        for need in entry.get("weights", ()):
            state = "here" if need["here"] else f"to be fetched, about {need['gigabytes']:g} GB"
            gate = ", gated" if need["gated"] and not need["here"] else ""
            what = f"{need['role']}: {need['hub'] or need['file']}, {state}{gate}, {need['licence']}"
            print(f"  weights      {what}; {need['place']}")
        if entry.get("gpu_memory_gb"):
            less = entry["gpu_memory_gb_offloaded"]
            print(f"  GPU memory   about {entry['gpu_memory_gb']:g} GB, {less:g} GB with offload=model (estimated)")
        for text in entry.get("stoppers", ()):
            print(f"  would stop   {text}")
    if planned["images_given"]:
        print(f"images that exist: {', '.join(planned['images_given'])}")
    print(f"run directory: {planned['out']}; nothing was done")
