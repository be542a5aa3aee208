"""run, score, report, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idbench.cli.output import print_json, print_table, progress, warn

if TYPE_CHECKING:
    from idbench.config import RunConfig

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="Print summary.json to stdout instead of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]


def run(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file with the same fields; flags win.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Suite: name, NAME:LOCATION, hub id, or path. [default: synthetic]")
    ] = None,
    subset: Annotated[list[str] | None, typer.Option(help="Only this subset; may be repeated.")] = None,
    images: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FOLDER", help="Images of a model; may be repeated.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]MODEL",
            help="A model that generates: a card (withanyone), a folder with card.toml, or KIND:LOCATION "
            "(sim:drift=0.1); may be repeated. See 'idbench models list'.",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME.KEY=VALUE", help="A parameter of a model; may be repeated. See 'models show'."
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME.KEY=A:B:STEP", help="One model per value, a trade-off curve in the report. Or NAME.KEY=A,B,C."
        ),
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Pixels of generated images. [default: the model's]")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Images per case and --model. [default: 1]")] = None,
    first_seed: Annotated[int | None, typer.Option(help="Seeds count up from here. [default: 0]")] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds for one image; a batch has as many times that. [default: 600]")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Processes per model. [default: one per GPU]")] = None,
    retry_failed: Annotated[
        bool | None, typer.Option("--retry-failed", help="Ask again for images that failed before.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made, fetched and needed; do nothing.")
    ] = False,
    recognizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]KIND[:LOCATION]",
            help="A judge, e.g. insightface:antelopev2; may be repeated. See 'idbench recognizers'.",
        ),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="insightface:PACK, mtcnn or mini. [default: the first recognizer's pack]")
    ] = None,
    detection_threshold: Annotated[
        float | None, typer.Option(help="Lowest detection score. [default: the detector's; SCRFD 0.45]")
    ] = None,
    allow_mini: Annotated[
        bool | None, typer.Option("--allow-mini", help="Let mini judge photos, which it was not trained for.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="strict, paper or both. [default: strict]")] = None,
    oracles: Annotated[
        bool | None, typer.Option("--oracles/--no-oracles", help="Score the oracles too. [default: yes]")
    ] = None,
    clip: Annotated[str | None, typer.Option(help="CLIP: auto, off, or a weight file. [default: auto]")] = None,
    aesthetic: Annotated[str | None, typer.Option(help="Aesthetics: auto, off, or a folder. [default: auto]")] = None,
    out: Annotated[str | None, typer.Option(help="Run directory. [default: runs/latest]")] = None,
    cache: Annotated[
        str | None, typer.Option(help="Cache directory. [default: $IDBENCH_CACHE or ~/.cache/idbench]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda. [default: auto]")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads. [default: usable cores]")] = None,
    batch: Annotated[int | None, typer.Option(help="Images embedded together. [default: 1]")] = None,
    resamples: Annotated[int | None, typer.Option(help="Bootstrap resamples. [default: 10000]")] = None,
    level: Annotated[float | None, typer.Option(help="Interval level. [default: 0.95]")] = None,
    interval: Annotated[str | None, typer.Option(help="percentile or bca. [default: percentile]")] = None,
    statistics_seed: Annotated[int | None, typer.Option(help="Seed of the resampling. [default: 0]")] = None,
    false_accept_rate: Annotated[
        float | None, typer.Option(help="For the verification threshold. [default: 0.01]")
    ] = None,
    gallery: Annotated[int | None, typer.Option(help="Cases in the report's gallery. [default: 60]")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Generate what is missing, detect, embed, compare, summarise, report.

    Without arguments: simulated models on people who never lived, which needs nothing but idbench. The
    last line printed is the path of the report. Run again with the same arguments, it does only what is
    missing.
    """
    from idbench.config import load_config
    from idbench.run import execute

    flags = {
        "suite": suite, "subsets": subset or None, "images": _named_folders(images), "models": model or None,
        "set": change or None, "sweeps": sweep or None, "image_size": image_size, "seeds": seeds,
        "first_seed": first_seed, "time_limit": time_limit, "processes": processes, "retry_failed": retry_failed,
        "recognizers": recognizer or None, "detector": detector,
        "detection_threshold": detection_threshold, "allow_mini": allow_mini, "protocol": protocol, "oracles": oracles,
        "clip": clip, "aesthetic": aesthetic, "out": out, "cache": cache, "device": device, "workers": workers,
        "batch": batch, "resamples": resamples, "level": level, "interval": interval,
        "statistics_seed": statistics_seed, "false_accept_rate": false_accept_rate, "gallery": gallery,
    }  # fmt: skip
    configuration = load_config(config, flags)
    if dry_run:
        _show_plan(configuration, json)
        return
    with progress(quiet) as callback:
        directory = execute(configuration, callback, warn)
    _show(directory, json)
    if _incomplete(directory):
        raise typer.Exit(INCOMPLETE)


INCOMPLETE = 3
"""Exit code where a model did not run and the rest was done."""


def _incomplete(run: Path) -> bool:
    import json

    return bool(json.loads((run / "run.json").read_text(encoding="utf-8"))["state"] == "incomplete")


def _show_plan(configuration: RunConfig, as_json: bool) -> None:
    from idbench.cli.models import print_plan
    from idbench.diagnostics.dry_run import plan

    planned = plan(configuration)
    if as_json:
        print_json(planned)
    else:
        print_plan(planned)


def _named_folders(images: list[str] | None) -> dict[str, str] | None:
    """`NAME=FOLDER` or `FOLDER` (named after itself) to a mapping; a name twice is wrong usage."""
    if not images:
        return None
    named: dict[str, str] = {}
    for entry in images:
        name, separator, folder = entry.partition("=")
        if not separator:
            name, folder = Path(entry).name, entry
        if name in named:
            raise typer.BadParameter(f"two folders are called '{name}'", param_hint="--images")
        named[name] = folder
    return named


def _show(run: Path, as_json: bool) -> None:
    import json

    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    if as_json:
        print_json(summary)
        return
    for recognizer, protocols in summary["recognizers"].items():
        for protocol, result in protocols.items():
            print(f"{recognizer}, {protocol}")
            strict = protocol == "strict"
            columns = (
                ["sim_gt_failure_aware", "sim_gt", "sim_ref", "copy_paste", "found"]
                if strict
                else ["sim_gt", "sim_ref", "copy_paste"]
            )
            rows = [[m, *(_cell(values.get(name)) for name in columns)] for m, values in result["models"].items()]
            print_table(["model", *columns], rows)
            print()
    print(run / "report.html")


def _cell(entry: dict[str, Any] | None) -> str:
    if entry is None or entry["mean"] is None:
        return "–"
    if entry["low"] is None:
        return f"{entry['mean']:.3f}"
    return f"{entry['mean']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def report(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
) -> None:
    """Write a run's report and tables again, from its directory alone."""
    from idbench.report import write_report
    from idbench.tables import read_tables

    read_tables(run)
    write_report(run)
    print(run / "report.html")


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more run directories on the same suite.")],
    out: Annotated[Path, typer.Option(help="Where the comparison goes.")] = Path("runs/comparison"),
) -> None:
    """Put the models of several runs on one suite into one table, with paired comparisons."""
    from idbench.report import write_comparison

    if len(runs) < 2:
        raise typer.BadParameter("expected two or more run directories", param_hint="RUNS")
    print(write_comparison(runs, out))


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("run")(run)
    app.command("score", help="The same, for images that exist (--images).")(run)
    app.command("report")(report)
    app.command("compare")(compare)
