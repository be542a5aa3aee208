"""Heavy packages, imported when a test first asks for something of them, so that collecting tests stays quick."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest


class LazyModule(ModuleType):
    """A module by its name, not imported yet."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest asks everything in a file for marks of its own
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)


def lazy(name: str) -> Any:
    """The module of this name; nothing is imported before something of it is asked for."""
    return LazyModule(name)


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip the tests of a file where one of the packages is not installed."""
    missing = [name for name in packages if not _installed(name)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
