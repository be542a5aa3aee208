"""Until every test imports from `support.reports`: the old names. Holds no tests."""

from __future__ import annotations

from support.reports import HOSTILE, MODELS, ORACLES, Page, browse, build_run, section

__all__ = ["HOSTILE", "MODELS", "ORACLES", "Page", "browse", "build_run", "section"]
