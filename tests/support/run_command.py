"""The command line of a cheap run."""

from __future__ import annotations

from pathlib import Path

from support.runs import CHEAP, options


def command(suite: Path, packs: Path, out: Path, *more: str) -> list[str]:
    asked = {"suite": suite, "recognizers": [f"insightface:{packs / 'mini-a'}"], "out": out, "device": "cpu"}
    return ["run", *options(CHEAP | asked), *more]
