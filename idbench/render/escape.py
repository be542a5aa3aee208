"""Text made safe for Markdown and LaTeX."""

from __future__ import annotations

import re

__all__ = ["latex", "markdown", "one_line"]


def one_line(text: str) -> str:
    """White space, line ends included, as single spaces."""
    return " ".join(text.split())


def markdown(text: str) -> str:
    """Escaped for a cell of a pipe table."""
    escaped = re.sub(r"([\\|*_`\[\]#~])", r"\\\1", one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\to$", "–": "--",
    "−": "$-$", "×": r"$\times$", "†": r"\dag{}", "‡": r"\ddag{}",
}  # fmt: skip


def latex(text: str) -> str:
    """Escaped for LaTeX text; a leading minus is set as one."""
    escaped = "".join(LATEX.get(c, c if c.isprintable() else " ") for c in one_line(text))
    if escaped[:1] in ("[", "*"):
        escaped = "{}" + escaped  # after the end of a line these would be read as its argument
    return re.sub(r"(?<![\w.])-(?=\d+\.\d)", "$-$", escaped)
