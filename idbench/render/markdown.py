"""Tables as Markdown."""

from __future__ import annotations

import re

from idbench.render.table import Table

__all__ = ["markdown"]


def markdown(table: Table) -> str:
    """A pipe table, its legend as paragraphs beneath."""
    columns = zip(table.columns, table.headings, strict=True)
    headings = [f"{column.group}: {heading}" if column.group else heading for column, heading in columns]
    rows = [[_escaped(text) for text in line] for line in (headings, *table.lines)]
    rows.insert(1, ["---" if c.kind == "text" else "--:" for c in table.columns])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n" + "".join(f"\n{_escaped(line)}\n" for line in table.legend)


def _escaped(text: str) -> str:
    """On one line, for a cell of a pipe table."""
    escaped = re.sub(r"([\\|*_`\[\]#~])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
