"""README stays short, links lead somewhere, and the generated parts of docs leave nothing out."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.documentation import PAGES, ROOT, blocks, generator, inline_code, name_of

import idbench
from idbench import registry
from idbench.summary import metric_declarations

OUTSIDE = [path for path in sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("*/README.md")) if path.is_file()]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


@pytest.mark.parametrize("page", OUTSIDE, ids=name_of)
def test_links_outside_docs_lead_somewhere(page: Path):
    """Links inside docs/ are checked by `make docs`."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        if not parts.scheme:
            goal = page.parent / parts.path if parts.path else page
            assert goal.exists(), link
            assert not parts.fragment or parts.fragment in anchors(goal), link


@pytest.mark.parametrize("page", [*OUTSIDE, *PAGES], ids=name_of)
def test_addresses_are_well_formed(page: Path):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        assert parts.scheme in ("", "https") and bool(parts.scheme) == bool(parts.netloc), link


def anchors(page: Path) -> set[str]:
    """Ids that headings get: lower case, words joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_generated_parts_are_filled(page: Path):
    if page.is_relative_to(ROOT / "docs"):
        text = generator().filled(page.read_text(encoding="utf-8"), page.relative_to(ROOT / "docs").as_posix())
        assert "<!-- generated" not in text


def test_every_metric_is_explained():
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    needed = [name for name in metric_declarations() if not name.endswith("_failure_aware")]
    lacking = [name for name in needed if f"### {name}\n\n<!-- generated: metric {name} -->" not in text]
    assert not lacking


def test_every_record_stands_on_a_page():
    homes = generator().homes()
    assert {name for name in generator().record_classes() if name[0] != "_"} <= set(homes)


def test_every_field_of_a_file_is_explained():
    made = generator()
    asked = {root for _, root in made.homes().values() if root}
    parts = {part for root in asked for part in made.inside(made.record_classes()[root])}
    lacking = [(part.__name__, name) for part in parts for name, text in made.meanings(part).items() if not text]
    assert not lacking


@pytest.mark.parametrize("page", [*OUTSIDE, *PAGES], ids=name_of)
def test_modules_named_in_the_text_exist(page: Path):
    groups = {seam.group for seam in vars(registry).values() if isinstance(seam, registry.Registry)}
    of_the_page = {block.about for block in blocks(page)}
    for code in inline_code(page):
        if re.fullmatch(r"\w+(/\w+)+\.py", code) and code not in of_the_page:
            assert (ROOT / code).is_file() or (ROOT / "idbench" / code).is_file(), code
        if re.fullmatch(r"idbench(\.\w+)+", code) and code not in groups:
            pkgutil.resolve_name(code)


def test_every_package_stands_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [module.name for module in pkgutil.iter_modules(idbench.__path__) if module.ispkg]
    assert not [name for name in packages if f"`{name}/`" not in text]
