"""run, score, report, compare."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idbench.cli.options import Given, add_command
from idbench.cli.output import print_json, print_table, progress, warn

if TYPE_CHECKING:
    from idbench.config import RunConfig
    from idbench.options import Option
    from idbench.records.summary import PaperEstimate, RecognizerSummary
    from idbench.stats import Estimate

__all__ = ["register", "run_options"]

INCOMPLETE = 3
"""Exit code where a model did not run or a recognizer measured nothing, and the rest was done."""

COLUMNS = {
    "strict": ["likeness_failure_aware", "copy_share", "sim_gt_failure_aware", "sim_ref", "copy_paste", "found"],
    "paper": ["sim_gt", "sim_ref", "copy_paste"],
}
"""Metrics in the table on stdout, by protocol."""


def run_options() -> Mapping[str, Option]:
    """What `idbench run` can be told, by field of its configuration."""
    from idbench.config import RunConfig
    from idbench.options import options_of

    return options_of(RunConfig)


def run(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file with the same fields; options given here win.")
    ] = None,
    given: Given,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made, fetched and needed; do nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json to stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Generate what is missing, detect, embed, compare, summarise, report.

    Without arguments: simulated models on people who never lived, which needs nothing but idbench. The
    last line printed is the path of the report. Run again with the same arguments, it does only what is
    missing.
    """
    from idbench.api import Run
    from idbench.config import load_config
    from idbench.run import execute

    configuration = load_config(config, given.values, given.called)
    if dry_run:
        _show_plan(configuration, json)
        return
    with progress(quiet) as callback:
        done = Run(execute(configuration, callback, warn))
    if json:
        print((done.path / "summary.json").read_text(encoding="utf-8").rstrip())
    else:
        for name, found in done.summary.recognizers.items():
            _show(name, found)
        print(done.report)
    if done.record.state == "incomplete" or done.record.counts.recognizer_faults:
        raise typer.Exit(INCOMPLETE)


def _show_plan(configuration: RunConfig, as_json: bool) -> None:
    from idbench.cli.plan import print_plan
    from idbench.diagnostics.dry_run import plan

    planned = plan(configuration)
    if as_json:
        print_json(planned.model_dump(mode="json", exclude_unset=True))
    else:
        print_plan(planned)


def _show(recognizer: str, found: RecognizerSummary) -> None:
    for protocol, result in found.protocols.items():
        print(f"{recognizer}, {protocol}")
        columns = COLUMNS[protocol]
        rows = [[model, *(_cell(values.get(name)) for name in columns)] for model, values in result.models.items()]
        print_table(["model", *columns], rows)
        print()


def _cell(entry: Estimate | PaperEstimate | None) -> str:
    if entry is None or entry.mean is None:
        return "–"
    if entry.low is None:
        return f"{entry.mean:.3f}"
    return f"{entry.mean:.3f} [{entry.low:.3f}, {entry.high:.3f}]"


def report(
    run: Annotated[Path, typer.Argument(help="Run directory; without --anonymous a comparison too.")],
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Write a copy of a run to --out, with report, tables and records, that names no path, user or host.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the anonymous copy goes; a new directory. [default: RUN-anonymous]")
    ] = None,
) -> None:
    """Write a run's or comparison's report and tables again, from its directory alone."""
    from idbench.errors import ConfigError
    from idbench.report import write_anonymous, write_report

    if out is not None and not anonymous:
        raise ConfigError(f"--out: goes with --anonymous; without it a report is written into {run}")
    with _whose_fault(run):
        place = run.absolute().with_name(f"{run.absolute().name}-anonymous") if out is None else out
        print(write_anonymous(run, place) if anonymous else write_report(run, warn))


def statistics_options() -> Mapping[str, Option]:
    """What a comparison can compute anew, by field of the configuration of a run."""
    from idbench.records.comparison import StatisticsRecord

    shared = run_options()
    return {
        field: replace(shared[field], default=f"the runs'; where they differ, {_where_they_differ(shared[field])}")
        for field in StatisticsRecord.model_fields
    }


def _where_they_differ(option: Option) -> str:
    return "the lowest" if option.field == "false_accept_rate" else option.default


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more run directories on the same suite, or comparisons.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the comparison goes.")] = Path("runs/comparison"),
    given: Given,
) -> None:
    """Put the models of several runs on one suite into one table, with paired comparisons.

    The order of the runs changes nothing.
    """
    from idbench.config import load_config
    from idbench.errors import ConfigError
    from idbench.report import write_comparison

    if len(runs) < 2:
        raise ConfigError(f"compare: expected two or more run directories, found {len(runs)}")
    with _whose_fault(*runs):
        print(write_comparison(runs, out, load_config(None, given.values, given.called), warn))


@contextmanager
def _whose_fault(*runs: Path) -> Iterator[None]:
    """An error that nobody foresaw in one line: these commands read what others made.

    The report that a run writes of itself is not made under this, so that faults of idbench are seen in full.
    """
    from idbench.errors import IdbenchError, RunError

    try:
        yield
    except (IdbenchError, BrokenPipeError):
        raise
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        names = ", ".join(map(str, runs))
        raise RunError(
            f"a file of {names} is damaged or was edited, or idbench has a fault: {type(error).__name__} ({error}) "
            f"at {Path(at.filename).name}:{at.lineno}"
        ) from error


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    add_command(app, "run", run, run_options)
    add_command(app, "score", run, run_options, help="The same, for images that exist (--images).")
    app.command("report")(report)
    add_command(app, "compare", compare, statistics_options)
