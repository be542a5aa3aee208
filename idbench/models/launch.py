"""How a model's child process is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idbench.models.specs import ModelSpec

__all__ = ["KEYS", "PROTOCOL", "LaunchSpec"]

PROTOCOL = 1
"""Version of the messages between run and child process; raise it when a message changes its meaning."""

KEYS = ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Environment variables with keys. Hiding them keeps them out of logs and of other people's code by accident; it is
no wall: a child of the same user can look at its parent."""


@dataclass(frozen=True)
class LaunchSpec:
    """How a model's process is started: `hello` is its first message, `command` what is run, in `folder`, with
    `environment` added to this process's own."""

    hello: dict[str, Any]
    command: tuple[str, ...]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    """Environment variables it is not given: other people's code has no business with keys."""

    @classmethod
    def of_this_python(cls, spec: ModelSpec, keys: Sequence[str] = ()) -> LaunchSpec:
        """A model that this package can load, in a process of this Python, which may see these `keys`."""
        hello = {"name": spec.name, "kind": spec.kind, "location": spec.location, "given": spec.given}
        hidden = tuple(name for name in KEYS if name not in keys)
        return cls(hello, (sys.executable, "-m", "idbench.generate.child"), hidden=hidden)
