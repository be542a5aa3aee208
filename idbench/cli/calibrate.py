"""calibrate: does each metric do what it says, for these judges?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from idbench.calibrate import Calibration

__all__ = ["register"]


def calibrate(
    recognizer: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]KIND[:LOCATION]", help="A judge; may be repeated. [default: mini]"),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Face detector. [default: the first recognizer's pack, else mini]")
    ] = None,
    cases: Annotated[
        int | None, typer.Option(help="Cases of a sweep; four times as many make the pool. [default: 20]")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Repeats of each statistical experiment. [default: 2000]")] = None,
    seed: Annotated[int | None, typer.Option(help="Chooses people, pictures and repeats. [default: 0]")] = None,
    out: Annotated[str | None, typer.Option(help="Folder of the results. [default: runs/calibration]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda. [default: auto]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes and threads. [default: usable cores]")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A check that fails makes the exit code 1.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print calibration.json to stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Turn the dials of simulated models and see whether each metric does what it says, for any judge.

    Takes a few minutes. The last line printed is the path of the page; failed checks are findings, not errors.
    """
    from idbench.calibrate import calibrate, configure

    config = configure(
        recognizers=recognizer or None, detector=detector, cases=cases, repeats=repeats, seed=seed, out=out,
        device=device, workers=workers,
    )  # fmt: skip
    with progress(quiet) as callback:
        found = calibrate(config, callback, lambda line: None if quiet else typer.echo(line, err=True))
    if json:
        print_json(found.as_dict())
    else:
        _show(found)
    if strict and found.failed:
        raise typer.Exit(1)


def _show(found: Calibration) -> None:
    verdicts = {True: "pass", False: "FAIL"}
    print_table(
        ["check", "judge", "found", "asked", ""],
        [
            [c.says, c.recognizer, c.verdict.shown.replace("−", "-"), c.verdict.mark, verdicts[c.verdict.passed]]
            for c in found.checks
        ],
    )  # fmt: skip
    print(f"{len(found.checks) - len(found.failed)} of {len(found.checks)} checks passed")
    print(Path(found.config.out).expanduser() / "calibration.html")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("calibrate")(calibrate)
