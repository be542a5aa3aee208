"""The text that names a model or a recognizer, `[NAME=]KIND[:LOCATION]`, and its parts."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["check_model_name", "is_named", "parse_model", "parse_recognizer"]

_NAMED_MODEL = re.compile(r"^(?P<name>[^=:]+)=(?P<spec>.+)$", re.DOTALL)
_NAMED_RECOGNIZER = re.compile(r"^(?P<name>[A-Za-z0-9][\w.+-]*)=(?P<spec>.+)$", re.DOTALL)
_WEIGHT_FILES = (".onnx", ".pt", ".ckpt", ".pth")


def is_named(spec: str) -> bool:
    """Whether the text of a model begins with `NAME=`."""
    return _NAMED_MODEL.match(spec) is not None


def parse_model(spec: str) -> tuple[str, str, str]:
    """Split `[name=]kind[:location]` into (name, kind, location).

    Without a name it is the last part of location or kind: `sim:good` is called good, `my/model` model.
    """
    match = _NAMED_MODEL.match(spec)
    kind, _, location = (match["spec"] if match else spec).partition(":")
    return match["name"] if match else Path(location).name or Path(kind).name, kind, location


def check_model_name(name: str) -> None:
    """Raises `ValueError`, one line, for a name that no model may have."""
    if name.startswith("oracle-"):
        raise ValueError(f"'{name}': names beginning with oracle- are taken")
    if not name or len(name) > 100 or any(ord(c) < 32 or c in '/\\"<>' for c in name) or name[0] == ".":
        raise ValueError(f"'{name[:40]}' cannot be a model name: 1 to 100 characters, no / \\ \" < >")


def parse_recognizer(spec: str) -> tuple[str, str, str]:
    """Split `[name=]kind[:location]` into (name, kind, location).

    Without a name it is the location's last part: `insightface:packs/mini-a` is called `mini-a`.
    """
    name = ""
    if (match := _NAMED_RECOGNIZER.match(spec)) and "=" in spec.partition(":")[0]:
        name, spec = match["name"], match["spec"]
    kind, _, location = spec.partition(":")
    path = Path(location.partition("?")[0])
    return name or (path.stem if path.suffix in _WEIGHT_FILES else path.name) or kind, kind, location
