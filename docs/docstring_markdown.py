"""Docstrings as Markdown for mkdocstrings: examples (`>>>`) and literal blocks (`::`) as code, sections as lists."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"(?:^>>> .*\n?)(?:^(?!\s*$).*\n?)*", re.MULTILINE)
"""From a prompt to the next empty line."""
LITERAL_BLOCK = re.compile(r"::(?=\n\n? {4})")
SECTION = re.compile(r"^(\w+)\n-{3,}\n((?:.+\n?)+)", re.MULTILINE)
ITEM = re.compile(r"^(\w[\w, ]*) : ", re.MULTILINE)


class DocstringMarkdown(griffe.Extension):
    """Rewrites every docstring that griffe has read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Griffe calls this for every object."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring of this project as Markdown."""
    text = SECTION.sub(lambda match: f"**{match[1]}**\n\n" + ITEM.sub(r"- `\1`: ", match[2]), text)
    text = LITERAL_BLOCK.sub(":", text)
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)
