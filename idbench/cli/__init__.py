"""The command line. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 an error stopped it (one line on stderr), 2 wrong usage, 3 a model did not run (the rest was
done, and the next run tries again), 130 interrupted (143 by SIGTERM, 129 by SIGHUP).
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
    """Entry point: every `IdbenchError` becomes one line and exit code 1."""
    from idbench.errors import IdbenchError
    from idbench.platform import interrupt_on_termination

    received = interrupt_on_termination()
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.Abort:
        if received:
            _stop(f"stopped by {signal.Signals(received[0]).name}; nothing was done", 128 + received[0])
        _stop("stopped at the question; nothing was done", 1)
    except IdbenchError as error:
        _stop(str(error), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        _stop(f"{error.strerror}: {error.filename or 'disk'}", 1)
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        if hasattr(error, "show"):
            error.show()
        sys.exit(error.exit_code)
    if code == INTERRUPTED:
        how = f"stopped by {signal.Signals(received[0]).name}" if received else "interrupted"
        code = 128 + received[0] if received else INTERRUPTED
        _stop(f"{how}; the same command goes on where this one stopped", code)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(message: str, code: int) -> None:
    from idbench.schema import printable

    print(f"idbench: {printable(' '.join(message.split()))[:MAX_LINE]}", file=sys.stderr)
    sys.exit(code)
