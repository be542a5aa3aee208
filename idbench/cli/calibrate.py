"""calibrate: does each metric do what it says, for these recognizers?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.options import Given, add_command
from idbench.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from idbench.calibrate import Calibration
    from idbench.options import Option

__all__ = ["calibration_options", "register"]


def calibration_options() -> Mapping[str, Option]:
    """What `idbench calibrate` can be told, by field of its configuration."""
    from idbench.calibrate.config import CalibrationConfig
    from idbench.options import options_of

    return options_of(CalibrationConfig)


def calibrate(
    *,
    given: Given,
    strict: Annotated[bool, typer.Option("--strict", help="A check that fails makes the exit code 1.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print calibration.json to stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Turn the dials of simulated models and see whether each metric does what it says, for any recognizer.

    Takes a few minutes. The last line printed is the path of the page; failed checks are findings, not errors.
    """
    from idbench.calibrate import calibrate, configure

    config = configure(given.called, **given.values)
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
        ["check", "recognizer", "found", "asked", ""],
        [
            [c.says, c.recognizer, c.verdict.shown.replace("−", "-"), c.verdict.mark, verdicts[c.verdict.passed]]
            for c in found.checks
        ],
    )  # fmt: skip
    print(f"{len(found.checks) - len(found.failed)} of {len(found.checks)} checks passed")
    print(Path(found.config.out).expanduser() / "calibration.html")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    add_command(app, "calibrate", calibrate, calibration_options)
