"""The page templates under `reports/`, and the styles, scripts and tables beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from idbench.render.table import ARROWS
from idbench.shipped import shipped_folder

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["reports_folder", "templates", "trusted"]


def reports_folder() -> Path:
    """Templates, styles and published tables."""
    return shipped_folder("reports")


def templates() -> Environment:
    """The templates, with everything escaped and nothing undefined."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(reports_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["arrows"] = ARROWS
    environment.filters["breakable"] = _breakable
    environment.filters["json"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    return environment


def trusted(name: str) -> Markup:
    """A style or script of ours, put into the page as it is; nothing else is trusted as markup."""
    from markupsafe import Markup

    return Markup((reports_folder() / name).read_text(encoding="utf-8"))


def _breakable(name: str) -> Markup:
    """Escaped, with places where a long name such as a sweep's may be broken."""
    from markupsafe import Markup, escape

    return Markup(re.sub("(?<=_)|(?=@)", "<wbr>", str(escape(name))))
