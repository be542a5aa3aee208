"""Warns where a built page would ask another host for something; with --strict the build then fails."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

LOADED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\s(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
log = logging.getLogger("mkdocs.plugins.offline_check")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """MkDocs calls this with the HTML of every page."""
    for address in LOADED.findall(output):
        log.warning("%s would load %s", page.file.src_uri, address)
    return output
