"""Tables as LaTeX, Markdown and CSV."""

from __future__ import annotations

import re

from idbench.render.files import csv, frame
from idbench.render.latex import latex
from idbench.render.markdown import markdown
from idbench.render.table import Column, Number, Row, Table, slug


def example() -> Table:
    columns = [
        Column("model", "model_1"),
        Column("x", "x", "number", "group & co", "lower"),
        Column("p", "p", "p"),
        Column("n", "n", "count"),
    ]
    rows = [
        Row(["50% <of> $x_1$ {a} #~^\\", Number(-0.12345, -0.2, 0.1, 7), Number(0.0001), 3]),
        Row(["=1+1|b", Number(-0.0001), None, None], oracle=True),
    ]
    return Table("t", "A title\nwith 100 %", columns, rows)


def test_latex_is_escaped_and_balanced():
    text = latex(example())
    body = text.split("\n", 1)[1]
    bare = re.sub(r"\\[&%$#_{}\\]", "", body)
    assert bare.count("{") == bare.count("}") and body.count("\\begin") == body.count("\\end")
    assert not re.search(r"[%#_<>|]", bare.replace("tabular", ""))
    assert bare.count("$") % 2 == 0
    rows = [line for line in body.splitlines() if line.endswith("\\\\")]
    assert [re.sub(r"\\&", "", line).count("&") for line in rows] == [2, 3, 3, 3]
    assert "$-$0.123 [$-$0.200, 0.100]" in text and "\\textless{}0.001" in text
    assert text.index("\\midrule", text.index("\\midrule") + 1) < text.index("=1+1")


def test_latex_names_are_no_arguments_of_the_line_before():
    table = Table("t", "t", [Column("model", "model")], [Row(["first"]), Row(["[1pt]"]), Row(["*"]), Row(['"x"'])])
    lines = latex(table).splitlines()
    assert [line[:4] for line in lines[-6:-2]] == ["firs", "{}[1", "{}* ", "''x'"]


def test_markdown_and_csv():
    table = example()
    lines = markdown(table).splitlines()
    assert len(lines) == 4
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines)
    assert "<of>" not in markdown(table)
    values = frame(table)
    assert list(values.columns) == ["model", "x_mean", "x_low", "x_high", "x_n", "p", "n"]
    assert values.loc[0, "x_mean"] == -0.12345 and values.loc[1, "model"] == "'=1+1|b"
    assert csv(table).splitlines()[2] == "'=1+1|b,-0.0001,,,,,"


def test_no_negative_zero():
    rows = [Row([Number(-0.0001)]), Row([None]), Row([Number(None)])]
    assert Table("t", "t", [Column("x", "x", "number")], rows).lines == [["0.000 –"], ["–"], ["– –"]]


def test_file_names_stay_in_the_folder():
    assert "/" not in slug("../../etc/passwd") and not slug("../x").startswith(".")
    assert slug("///") == "unnamed"


def test_a_mean_of_few_values_says_over_how_many():
    column = Column("x", "x", "number")
    assert [column.shown(Number(1.0, low, high, n)).interval for low, high, n in ((1.0, 1.0, 3), (None, None, 1))] == [
        "[1.000, 1.000] n=3", "– n=1",
    ]  # fmt: skip
    assert column.shown(Number(1.0, 0.9, 1.0, 40)).interval == "[0.900, 1.000]"
    assert column.shown(Number(1.0, 0.9, 1.0)).interval == "[0.900, 1.000]"
