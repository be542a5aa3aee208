"""Where templates come from, and what they escape."""

from __future__ import annotations

from idbench.render.templates import reports_folder, templates


def test_shipped_files_are_found():
    assert (reports_folder() / "report.html").is_file() and (reports_folder() / "paper_tables.csv").is_file()


def test_names_are_escaped_before_they_become_breakable():
    page = templates().from_string("{{ name|breakable }}")
    assert page.render(name="<a>_b@c") == "&lt;a&gt;_<wbr>b<wbr>@c"
