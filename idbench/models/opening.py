"""From what a user types to opened models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from idbench import registry
from idbench.errors import ConfigError
from idbench.models.base import Model
from idbench.models.simulated import PRESETS

__all__ = ["open_models", "parse_model"]

_NAMED = re.compile(r"^(?P<name>[^=:]+)=(?P<spec>[^:=]+:.*)$", re.DOTALL)


def parse_model(spec: str) -> tuple[str, str, str]:
    """Split `[name=]kind:location` into (name, kind, location); without a name it is the location's last part."""
    match = _NAMED.match(spec)
    kind, _, location = (match["spec"] if match else spec).partition(":")
    return match["name"] if match else Path(location).name or kind, kind, location


def open_models(specs: Sequence[str]) -> list[Model]:
    """Every model asked for. Raises `ConfigError` for `images`, which make nothing, `UnknownNameError` for others."""
    opened = []
    for name, kind, location in map(parse_model, specs):
        if kind == "images":
            raise ConfigError(f"images that exist are given with --images {name}={location}, not with --model")
        if kind in PRESETS:
            raise ConfigError(f"no model is called '{kind}'; did you mean 'sim:{kind}'?")
        opened.append(registry.models.get(kind)(name, location))
    return opened
