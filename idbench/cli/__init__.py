"""The command line. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 an error stopped it (one line on stderr), 2 wrong usage, 3 a model did not run or a recognizer
measured nothing (the rest was done), 130 interrupted (143 by SIGTERM, 129 by SIGHUP).
Failures of single images are outcomes in the results, never an exit code.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Annotated

import typer

from idbench import __version__
from idbench.cli import cache, calibrate, doctor, models, run, suites

__all__ = ["app", "main"]

app = typer.Typer(
    name="idbench",
    help="Measure identity fidelity and copy-paste of image generators.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERRUPTED = 130
MAX_LINE = 4000
"""Characters of an error, which may quote what a file holds."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"idbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Measure identity fidelity and copy-paste of image generators."""


run.register(app)
doctor.register(app)
calibrate.register(app)
app.add_typer(models.app, name="models")
app.add_typer(suites.app, name="suites")
app.add_typer(cache.app, name="cache")


def main() -> None:
    """Run the command: every `IdbenchError` becomes one line and exit code 1, a signal one line and its own."""
    from idbench.platform import note_signals

    received = note_signals()
    try:
        code = app(standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        code = INTERRUPTED if _is_interruption(error, received) else _code_of(error)
    if code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # once more ends it at once
        number = received[0] if received else signal.SIGINT
        how = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
        _say(f"{how}; the same command goes on where this one stopped")
        code = 128 + number
    sys.exit(code if isinstance(code, int) else 0)


def _is_interruption(error: BaseException, received: list[int]) -> bool:
    """Whether a signal is the cause; libraries that are being imported turn it into other errors."""
    at_the_question = isinstance(error, typer.Abort) and set(received) <= {signal.SIGINT}
    return isinstance(error, KeyboardInterrupt) or (bool(received) and not at_the_question)


def _code_of(error: BaseException) -> int:
    """The exit code for what stopped the command, said in one line; what nobody expects is raised."""
    from idbench.errors import IdbenchError

    if isinstance(error, typer.Abort):
        _say("stopped at the question; nothing was done")
    elif isinstance(error, IdbenchError):
        _say(str(error))
    elif isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        _say(f"{error.strerror}: {error.filename or 'disk'}")
    elif hasattr(error, "exit_code"):  # wrong usage
        if hasattr(error, "show"):
            error.show()
        return int(error.exit_code)
    else:
        raise error
    return 1


def _say(message: str) -> None:
    from idbench.schema import printable

    print(f"idbench: {printable(' '.join(message.split()))[:MAX_LINE]}", file=sys.stderr)
