"""One small registry for every seam: names, entry points loaded only when asked for, "did you mean"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from idbench.errors import MissingPackageError, UnknownNameError
from idbench.kinds import DetectorKind, Kind, ModelKind, RecognizerKind, SuiteKind

if TYPE_CHECKING:
    from idbench.metrics.base import Metric

__all__ = ["KindRegistry", "Registry", "detectors", "metrics", "models", "recognizers", "suites"]

T = TypeVar("T")
K = TypeVar("K", bound=Kind)


class Registry(Generic[T]):
    """Objects of one seam, found through an entry-point group and loaded only when asked for."""

    def __init__(self, seam: str) -> None:
        self.seam = seam
        self.group = f"idbench.{seam}s"

    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        return sorted(self._entries())

    def get(self, name: str) -> T:
        """The object registered under `name`.

        Raises `UnknownNameError` (with the nearest names), or `MissingPackageError` if it cannot be loaded.
        """
        entries = self._entries()
        if name not in entries:
            raise UnknownNameError(f"no {self.seam} is called '{name}'; {self._hint(name, list(entries))}")
        try:
            return self._taken(entries[name], entries[name].load())
        except ImportError as error:
            lacking = f"the package '{error.name}', which is not installed" if error.name else str(error)
            raise MissingPackageError(f"{self.seam} '{name}' needs {lacking}") from error
        except Exception as error:  # other people's code raises anything while it is imported
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise MissingPackageError(f"{self.seam} '{name}' cannot be loaded: {reason}") from error

    def _hint(self, name: str, known: Sequence[str]) -> str:
        """What may have been meant by a name that is not registered."""
        near = difflib.get_close_matches(name, known, n=1)
        return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)) or 'none'}"

    def _taken(self, entry: EntryPoint, loaded: T) -> T:
        """What is handed out for a loaded entry point."""
        return loaded


class KindRegistry(Registry[K]):
    """Kinds of one seam. A plain function that is registered counts as the `open` of a kind without a description."""

    def __init__(self, seam: str, kind: type[K]) -> None:
        super().__init__(seam)
        self._kind = kind

    def all(self) -> dict[str, K]:
        """Every kind by name, sorted. One that cannot be loaded says so in its description, and when it is opened."""
        return {name: self._described(name) for name in self.names()}

    def _hint(self, name: str, known: Sequence[str]) -> str:
        """A kind whose description has the name as a word: `arcface` is a network that insightface:PACK opens."""
        described = [kind for kind in self.all().values() if name.lower() in re.findall(r"[\w-]+", kind.what.lower())]
        if described and len(name) > 3:
            return f"it is given as {described[0].form} ({described[0].what})"
        return super()._hint(name, known)

    def _described(self, name: str) -> K:
        try:
            return self.get(name)
        except MissingPackageError as error:
            return self._broken(name, error)

    def _broken(self, name: str, error: MissingPackageError) -> K:
        def refuse(*_: object) -> NoReturn:
            raise error

        made: Any = self._kind
        kind: K = made(open=refuse, form=name, what="cannot be loaded", here=lambda: str(error))
        return kind

    def _taken(self, entry: EntryPoint, loaded: Any) -> K:
        if not isinstance(loaded, self._kind) and not callable(loaded):
            raise TypeError(f"expected a {self._kind.__name__} or a function, found {loaded!r:.60}")
        made: Any = self._kind
        kind: K = loaded if isinstance(loaded, self._kind) else made(open=loaded)
        package = f"from {entry.dist.name} {entry.dist.version}" if entry.dist else "from another package"
        return replace(kind, form=kind.form or f"{entry.name}[:LOCATION]", what=kind.what or package)


suites = KindRegistry("suite", SuiteKind)
models = KindRegistry("model", ModelKind)
recognizers = KindRegistry("recognizer", RecognizerKind)
detectors = KindRegistry("detector", DetectorKind)
metrics: Registry[Metric] = Registry("metric")
