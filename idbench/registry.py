"""One small registry for every seam: names, lazy factories, entry points, "did you mean"."""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from idbench.errors import MissingPackageError, UnknownNameError

__all__ = ["Registry", "detectors", "metrics", "models", "recognizers", "suites"]


class Registry:
    """Factories of one kind, found through an entry-point group and loaded only when asked for."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.group = f"idbench.{kind}s"

    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        return sorted(self._entries())

    def get(self, name: str) -> Any:
        """The object registered under `name`.

        Raises `UnknownNameError` (with the nearest names) or `MissingPackageError`.
        """
        entries = self._entries()
        if name not in entries:
            near = difflib.get_close_matches(name, entries, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(entries)) or 'none'}"
            raise UnknownNameError(f"no {self.kind} is called '{name}'; {hint}")
        try:
            return entries[name].load()
        except ImportError as error:
            lacking = f"the package '{error.name}', which is not installed" if error.name else str(error)
            raise MissingPackageError(f"{self.kind} '{name}' needs {lacking}") from error


suites = Registry("suite")
models = Registry("model")
recognizers = Registry("recognizer")
detectors = Registry("detector")
metrics = Registry("metric")
