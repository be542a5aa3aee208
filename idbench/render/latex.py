"""Tables as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from idbench.render.table import Table

__all__ = ["latex"]

SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\to$", "–": "--",
    "−": "$-$", "×": r"$\times$", "†": r"\dag{}", "‡": r"\ddag{}",
}  # fmt: skip


def latex(table: Table) -> str:
    """A tabular for `\\input`; needs the package booktabs. The legend is a comment, for the caption."""
    lines = [
        f"% {' '.join(table.title.split())}; needs \\usepackage{{booktabs}}",
        *(f"% for the caption: {_escaped(line)}" for line in table.legend),
        f"\\begin{{tabular}}{{{''.join('l' if c.kind == 'text' else 'r' for c in table.columns)}}}",
        "\\toprule",
        *_groups(table),
        _line(table.headings),
        "\\midrule",
    ]
    for i, (row, texts) in enumerate(zip(table.rows, table.lines, strict=True)):
        if i and row.oracle and not table.rows[i - 1].oracle:
            lines.append("\\midrule")
        lines.append(_line(texts))
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _line(texts: Sequence[str]) -> str:
    return " & ".join(map(_escaped, texts)) + " \\\\"


def _groups(table: Table) -> list[str]:
    """A line of headings over several columns, and the rules beneath them."""
    if not table.groups:
        return []
    parts, rules, first = [], [], 1
    for name, span in table.groups:
        parts.append(f"\\multicolumn{{{span}}}{{c}}{{{_escaped(name)}}}")
        if name:
            rules.append(f"\\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    return [" & ".join(parts) + " \\\\", "".join(rules)]


def _escaped(text: str) -> str:
    """On one line; a leading minus is set as one."""
    line = " ".join(text.split())
    escaped = "".join(SIGNS.get(c, c if c.isprintable() else " ") for c in line)
    if escaped[:1] in ("[", "*"):
        escaped = "{}" + escaped  # after the end of a line these would be read as its argument
    return re.sub(r"(?<![\w.])-(?=\d+\.\d)", "$-$", escaped)
