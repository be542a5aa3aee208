"""doctor, recognizers: what is here and what could be."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from idbench.cli.output import print_json

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]

RECOGNIZERS = {
    "insightface": (
        "insightface:PACK or FOLDER",
        "ArcFace of an InsightFace pack (buffalo_l, antelopev2, your own folder)",
    ),
    "mini": ("mini", "comes with idbench; judges synthetic people only"),
    "onnx": ("onnx:FILE?size=112&color=rgb&mean=127.5&scale=127.5&align=arcface", "any recognition network"),
    "facenet": (
        "facenet[:vggface2|casia-webface|FILE]",
        "FaceNet (facenet-pytorch), documented preprocessing",
    ),
    "adaface": ("adaface:FILE", "AdaFace IR-50 or IR-101, released checkpoint"),
}


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
    """Kinds of recognizers, how to name them, and what is on this machine."""
    from idbench import registry
    from idbench.diagnostics.doctor import recognizer_states

    states = recognizer_states()
    rows: list[dict[str, Any]] = []
    for name in registry.recognizers.names():
        form, what = RECOGNIZERS.get(name, (f"{name}:...", "from another package"))
        rows.append({"kind": name, "form": form, "what": what, "here": states.get(name, "installed")})
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['kind']}\n  {row['form']}\n  {row['what']}\n  here: {row['here']}")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (doctor, recognizers):
        app.command()(command)
