"""models list, show, check, fetch, setup, crosscheck: what can generate, what it needs, what would stop it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idbench.cli.options import Given, add_command
from idbench.cli.output import confirm_download, print_json, print_table, progress

if TYPE_CHECKING:
    from idbench.models.card_model import CardModel
    from idbench.models.environments import Environment
    from idbench.models.specs import ModelSpec
    from idbench.options import Option

__all__ = ["app", "print_plan"]

app = typer.Typer(help="Models that generate: cards, parameters, weights.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
CROSSCHECK_OUT = "runs/crosscheck"
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A changed parameter or weights.ROLE=PATH.")
]


@app.command("list")
def list_models(json: Json = False) -> None:
    """Every model with a card, simulated models and their dials, and what else can be scored."""
    from idbench import registry
    from idbench.models.cards import card_names, card_of
    from idbench.models.simulated import DIALS, PRESETS
    from idbench.records import ORACLES

    rows = []
    for name in card_names():
        card = card_of(name)
        rows.append({"model": name, "people": str(card.max_people or "any"), "what": card.summary})
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
        "people": f"at most {card.max_people}" if card.max_people else "no limit known",
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
    """What would stop each model on this machine: packages, environments, weights, gates, memory. Loads nothing.

    Exit code 0 either way; with names given, 1 if anything stands in their way.
    """
    from idbench.models.cards import card_names
    from idbench.models.preflight import blockers

    found: dict[str, list[dict[str, str]]] = {}
    for name in names or card_names():
        model = _open(name, change)
        problems = blockers(model.card, model.settings, device, Path(_spec(name).location))
        found[name] = [{"kind": one.kind, "text": one.text} for one in problems]
    if json:
        print_json(found)
    else:
        if not names:
            states = [", ".join(dict.fromkeys(problem["kind"] for problem in said)) or "–" for said in found.values()]
            print_table(["model", "would be stopped by"], [list(row) for row in zip(found, states, strict=True)])
            print("\n'idbench models check NAME' says what exactly, and what to do")
        for name, said in found.items() if names else ():
            print(f"{name}: {'ready' if not said else ''}".rstrip())
            for problem in said:
                print(f"  {problem['kind']:<11} {problem['text']}")
    if names and any(found.values()):
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")],
    change: Set = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Download a model's weights, after saying what, from where, how large and under which licence."""
    from idbench.models import weights

    _fetch(_open(name, change), yes)
    print(weights.weights_root())


def _fetch(model: CardModel, yes: bool) -> None:
    from idbench.hub import download
    from idbench.models import weights
    from idbench.models.downloads import fetch_pack, look_up

    wanted = model.card.needed(model.parameters)
    for need in wanted:
        typer.echo(f"{need.role}: {weights.in_words(need)}", err=True)
    for need in wanted:
        place = weights.expected_at(need)
        given = model.settings.places.get(need.role)
        if given is not None or weights.is_whole(need):
            typer.echo(f"{need.role}: {'here, ' if given is None else ''}{given or weights.find(need)}", err=True)
            continue
        if need.form == "pack":
            fetch_pack(need, lambda what: yes or typer.confirm(what, abort=True, err=True))
            continue
        offer = look_up(need, model.card.name)
        confirm_download(offer, place, f"{offer.licence or need.licence} ({need.licence})", yes)
        with progress() as callback:
            download(offer, weights.weights_root() / need.hub, callback)


@app.command()
def setup(
    name: Annotated[str, typer.Argument(help="Name of a card, or a folder with one.")],
    offline: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Take all from disk: FOLDER/repository (or .tar.gz, .zip), FOLDER/wheels, FOLDER/weights/<hub id>.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make the environment that a model's worker runs in, after saying what, from where, where to and how much.

    A virtual environment with the card's requirements, the model's repository at the card's commit, and the
    weights. Stopped or changed, the same command goes on with what is missing.
    """
    from idbench.errors import ConfigError
    from idbench.models import weights
    from idbench.models.environments import Environment, place_weights

    model = _open(name)
    if model.card.kind != "worker":
        typer.echo(f"{name} needs no environment of its own; 'idbench models fetch {name}' has its weights", err=True)
        return
    if offline is not None and not offline.is_dir():
        raise ConfigError(f"--offline {offline}: no such folder")
    environment = Environment(model.card, Path(_spec(name).location))
    environment.refuse_impossible(offline)
    needed = model.card.needed(model.parameters)
    if not environment.lacking() and all(map(weights.is_whole, needed)):
        typer.echo(f"{name}: everything is here", err=True)
    else:
        _print_setup(environment, model, offline)
        yes = yes or typer.confirm("Set up?", abort=True, err=True)
        with progress() as callback:
            environment.make(offline, callback, lambda line: typer.echo(line, err=True))
        if offline is None:
            _fetch(model, yes)
        else:
            for need in needed:
                typer.echo(place_weights(need, model.card.name, offline), err=True)
    print(environment.root)


def _print_setup(environment: Environment, model: CardModel, offline: Path | None) -> None:
    """On stderr: what a setup would make, from where, where to, how much."""
    import shutil

    from idbench.models import weights
    from idbench.models.worker import worker_of

    card, lacking = model.card, environment.lacking()
    said = [f"{card.title}: {card.summary}"]
    for step in environment.wanted:
        if step not in lacking:
            said.append(f"  {step:<12} here, {environment.root / step}")
        elif step == "repository":
            source = offline / "repository" if offline else card.source.repository
            what = f"{source} @ {card.source.revision[:12]}, {card.licence.code}"
            said.append(f"  {step:<12} {what}; to {environment.root / step}")
        else:
            elsewhere = ["; also code from " + line for line in environment.addresses]
            source = offline / "wheels" if offline else "pip's index, licences and sizes as there" + "".join(elsewhere)
            what = f"{environment.requirements} for Python {worker_of(card).python or 'as here'}, from {source}"
            said.append(f"  {step:<12} {what}; to {environment.root / step}")
    fetched = 0.0
    for need in card.needed(model.parameters):
        here = weights.is_whole(need)
        fetched += 0 if here else need.gigabytes
        source = offline / "weights" if offline else "the hub"
        state = f"here, {weights.find(need)}" if here else f"from {source}; to {weights.expected_at(need)}"
        gate = ", gated" if need.gated and not here else ""
        what = f"{need.role}: {need.hub or need.file}, about {need.gigabytes:g} GB{gate}, {need.licence}"
        said.append(f"  {'weights':<12} {what}; {state}")
    place = next(p for p in [environment.root, *environment.root.parents] if p.exists())
    free = shutil.disk_usage(place).free / 1e9
    said.append(f"  {'in all':<12} {fetched:g} GB of weights besides code and packages; {free:,.0f} GB are free there")
    typer.echo("\n".join(said), err=True)


def crosscheck_options() -> Mapping[str, Option]:
    """The options of a run that a crosscheck takes too."""
    from idbench.cli.run import run_options

    shared = run_options()
    chosen = {field: shared[field] for field in ("suite", "subsets", "seeds", "set", "recognizers")}
    return chosen | {"out": replace(shared["out"], default=CROSSCHECK_OUT)}


def crosscheck(
    a: Annotated[str, typer.Argument(metavar="A", help="A model as in 'idbench run --model': [NAME=]MODEL.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    *,
    given: Given,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Only the first cases, copied into the run directory. [default: all]")
    ] = None,
    json: Json = False,
) -> None:
    """Let two models make the same images and say how far apart images and scores are, e.g. one network twice.

    An ordinary run with both models, gone on with if it was stopped; crosscheck.json and crosscheck.csv go into it.
    """
    from idbench.cli.output import warn
    from idbench.config import load_config
    from idbench.diagnostics import crosscheck as checking
    from idbench.models.specs import specs_of
    from idbench.run import execute
    from idbench.suites import open_suite

    asked = {"out": CROSSCHECK_OUT} | given.values | {"models": [a, b], "oracles": False}
    config = load_config(None, asked, given.called)
    one, other = (spec.name for spec in specs_of(config))
    if cases is not None:
        first = checking.keep_first(open_suite(config.suite, config.subsets), cases, Path(config.out).expanduser())
        config = load_config(None, asked | {"suite": str(first), "subsets": None}, given.called)
    with progress() as callback:
        run = execute(config, callback, warn)
    found = checking.crosscheck(run, one, other)
    if json:
        print_json(found)
    else:
        _print_crosscheck(found)
        print(run / "crosscheck.json")


add_command(app, "crosscheck", crosscheck, crosscheck_options)


def _print_crosscheck(found: dict[str, Any]) -> None:
    def number(value: float | None, form: str = ".3f") -> str:
        return "–" if value is None else format(value, form)

    images = found["images"]["summary"]
    counts = f"{images['compared']} of {images['images']} images compared, {images['equal']} equal"
    print(f"{found['a']} - {found['b']}: {counts}")
    for reason, count in images["not_compared"].items():
        print(f"  not compared: {count} ({reason})")
    header = ["pixels, 0..255", "mean", "largest", "PSNR dB", "SSIM"]
    cells = [
        number(images["mean"]),
        number(images["largest"], "g"),
        number(images["psnr"], ".1f"),
        number(images["ssim"]),
    ]
    print_table(header, [["all images", *cells]])
    for name, judged in found["recognizers"].items():
        print(f"\n{name}: {judged['other_outcomes']} of {judged['people']} people with another outcome")
        rows = []
        for metric, about in judged["metrics"].items():
            gap, most = about["difference"], about["largest"]
            span = "" if gap["low"] is None else f" [{gap['low']:.3f}, {gap['high']:.3f}]"
            where = f"{most['case']}--{most['seed']}, person {most['person'] + 1}" if most["difference"] else ""
            rows.append([metric, number(about["a"]), number(about["b"]), f"{gap['mean']:.3f}{span}",
                         number(most["difference"]), where])  # fmt: skip
        print_table(["metric", found["a"], found["b"], "difference", "largest", "at"], rows)
    print(f"\n{found['note']}")


def _open(name: str, change: list[str] | None = None) -> CardModel:
    """The card's model, not loaded. `change` is KEY=VALUE, with or without the model's name in front."""
    from idbench.models.card_model import CardModel

    spec = _spec(name)
    changes = [text.removeprefix(f"{name}.").partition("=") for text in change or ()]
    model = replace(spec, name=name, given={key: value for key, _, value in changes}).open()
    assert isinstance(model, CardModel)
    return model


def _spec(name: str) -> ModelSpec:
    """What a name means. Raises `ConfigError` if it is no card's."""
    from idbench.errors import ConfigError
    from idbench.models.specs import plan_models

    (spec,) = plan_models([f"it={name}"])
    if not (Path(spec.location) / "card.toml").is_file():
        raise ConfigError(f"'{name}' has no card; see 'idbench models list'")
    return spec


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
            state = "here" if need["here"] else f"missing, about {need['gigabytes']:g} GB"
            gate = ", gated" if need["gated"] and not need["here"] else ""
            what = f"{need['role']}: {need['hub'] or need['file']}, {state}{gate}, {need['licence']}"
            print(f"  weights      {what}; {need['place']}")
        if entry.get("gpu_memory_gb"):
            less = entry["gpu_memory_gb_offloaded"]
            print(f"  GPU memory   about {entry['gpu_memory_gb']:g} GB, {less:g} GB with offload=model (estimated)")
        if "dollars" in entry:
            print(f"  cost         about ${entry['dollars']:.2f}, at most ${entry['spending_cap']:g} (spending_cap)")
        for text in entry.get("blockers", ()):
            print(f"  would stop   {text}")
    for text in planned["blockers"]:
        print(f"would stop the run: {text}")
    if planned["images_given"]:
        print(f"images that exist: {', '.join(planned['images_given'])}")
    print(f"run directory: {planned['out']}; nothing was done")
