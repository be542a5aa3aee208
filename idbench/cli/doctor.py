"""doctor, recognizers: what is here and what could be."""

from __future__ import annotations

from typing import Annotated

import typer

from idbench.cli.output import print_json

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def doctor(json: Json = False) -> None:
    """What is installed, which weights and packs are here, GPU, licences."""
    from idbench.diagnostics.doctor import examine

    found = examine()
    if json:
        print_json(found)
        return
    for section, entries in found.items():
        print(section)
        for name, value in entries.items():
            print(f"  {name:<24} {value}")


def recognizers(json: Json = False) -> None:
    """Kinds of recognizers and detectors, how to name them, and what is on this machine."""
    from idbench import registry

    rows = [
        {"kind": name, "form": kind.form, "what": kind.what, "family": kind.family, "here": kind.state()}
        for name, kind in registry.recognizers.all().items()
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        family = f" (family {row['family']})" if row["family"] else ""
        print(f"{row['kind']}\n  {row['form']}\n  {row['what']}{family}\n  here: {row['here']}")
    print(f"detectors (--detector): {', '.join(kind.form for kind in registry.detectors.all().values())}")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (doctor, recognizers):
        app.command()(command)
