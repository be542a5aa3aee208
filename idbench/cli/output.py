"""Progress on stderr, tables and JSON on stdout."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from idbench.progress import Progress, silent

if TYPE_CHECKING:
    from idbench.hub import Offer

__all__ = ["confirm_download", "print_json", "print_table", "progress", "warn"]


def warn(message: str) -> None:
    """One line on stderr about something the user may not have meant."""
    from idbench.schema import printable

    print(f"idbench: note: {printable(message)}", file=sys.stderr)


def confirm_download(offer: Offer, folder: Path, licence: str, yes: bool) -> None:
    """Say what would come, from where, how large and under which terms, and ask unless `yes`; no ends the command."""
    typer.echo(
        f"{offer.hub_id} at {offer.revision[:12]}: {len(offer.files)} files, {offer.size / 1e6:,.0f} MB", err=True
    )
    typer.echo(f"licence: {licence}", err=True)
    typer.echo(f"to: {folder}", err=True)
    if not yes:
        typer.confirm("Download?", abort=True, err=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns: the first to the left, numbers to the right."""
    from idbench.schema import printable

    rows = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [
            str(c).ljust(w) if i == 0 or not _numeric(c) else str(c).rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _numeric(cell: str) -> bool:
    return re.fullmatch(r"–|[-+]?[\d.,]+( \[.*\])?", cell) is not None


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A callback (stage, done, total): bars with time left on a terminal, else one line a stage now and then."""
    from idbench.platform import stop_if_interrupted

    with _bars() if sys.stderr.isatty() and not quiet else nullcontext(silent if quiet else _Lines()) as show:

        def callback(stage: str, done: int, total: int) -> None:
            stop_if_interrupted()
            show(stage, done, total)

        yield callback


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:>18}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def callback(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield callback


class _Lines:
    """For logs: a line when a stage begins and ends, and every ten seconds between."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._last = 0.0
        self._said: tuple[str, int, int] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if (stage, done, total) == self._said:
            return
        now = time.monotonic()
        first = stage not in self._began
        began = self._began.setdefault(stage, now)
        if not first and done < total and now - self._last < 10:
            return
        self._last, self._said = now, (stage, done, total)
        left = (now - began) / done * (total - done) if 1 < done < total else None
        rest = f", {left:.0f} s left" if left is not None else ""
        print(f"{stage}: {done}/{total}{rest}", file=sys.stderr, flush=True)
