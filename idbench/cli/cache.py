"""cache info, cache clear."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idbench.cli.output import print_json

__all__ = ["app"]

app = typer.Typer(
    help="The cache of faces and embeddings (biometric data; it stays on this machine).", no_args_is_help=True
)
Where = Annotated[
    Path | None,
    typer.Option("--cache", help="Cache directory. [default: $IDBENCH_CACHE or ~/.cache/idbench]"),
]


@app.command()
def info(cache: Where = None, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Where the cache lies and how large it is."""
    from idbench.store import Cache

    found = Cache(cache).info()
    if json:
        print_json(found)
    else:
        print(f"{found['path']}: {found['entries']} entries, {found['bytes'] / 1e6:.1f} MB")
        print(f"rendered suites: {found['rendered_photos']} photos, {found['rendered_bytes'] / 1e6:.1f} MB")


@app.command()
def clear(cache: Where = None, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete every cached face and embedding, and every rendered suite."""
    from idbench.store import Cache

    store = Cache(cache)
    found = store.info()
    if not yes:
        typer.confirm(f"Delete {found['entries']} entries in {found['path']}?", abort=True, err=True)
    print(f"{store.clear()} entries deleted")
