"""README and the pages of docs/: their code blocks, inline code and links."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>no-run|file): (?P<about>[^\n]+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block. A comment before it may say `no-run: why`, or `file: where` its text is to lie."""

    language: str
    text: str
    mark: str = ""
    about: str = ""


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["language"], m["text"], m["mark"] or "", m["about"] or "") for m in found]


def inline_code(page: Path) -> list[str]:
    """The code spans of a page."""
    return _INLINE.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def name_of(page: Path) -> str:
    """For test ids and messages."""
    return page.relative_to(ROOT).as_posix()


def generator() -> ModuleType:
    """docs/generate_reference.py, which is no part of a package."""
    if "generate_reference" not in sys.modules:
        spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "generate_reference.py")
        assert spec is not None and spec.loader is not None
        sys.modules["generate_reference"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["generate_reference"])
    return sys.modules["generate_reference"]
