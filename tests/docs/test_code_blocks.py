"""The code of README and docs does what it says.

Blocks of sh and python run, page by page in an empty folder, in order; `<!-- no-run: why -->` before a block says that it
cannot run here, `<!-- file: name -->` that it is a file which later blocks use. Commands that cannot run are still parsed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.documentation import PAGES, blocks, generator, inline_code, name_of

RUNNABLE = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
KNOWN = {"sh", "python", "toml", "json", "text"}
FLAGS_OF_OTHERS = {"--no-deps"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(one.language in RUNNABLE and not one.mark for one in blocks(page))],
    ids=name_of,
)
def test_blocks_run(page: Path, tmp_path: Path, tmp_cache: Path):
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {
        "IDBENCH_CACHE": str(tmp_cache),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }
    for block in blocks(page):
        if block.mark == "file":
            (tmp_path / block.about).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.about).write_text(block.text, encoding="utf-8")
        elif block.language in RUNNABLE and not block.mark:
            command = [*RUNNABLE[block.language], block.text]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_parse(page: Path):
    for block in blocks(page):
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["idbench"]:
                    parse(words)


def parse(words: list[str]) -> None:
    """Fails where a command or option does not exist, or lacks its value."""
    for name, command in generator().command_tree():
        length = len(name.split())
        if words[:length] == name.split():
            command.make_context(name, words[length:])
            return
    raise AssertionError(f"no such command: {' '.join(words)}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_data_blocks_are_valid(page: Path):
    for block in blocks(page):
        assert block.language in KNOWN, f"{block.language}: neither run nor checked"
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_flags_in_the_text_exist(page: Path):
    tree = generator().command_tree()
    flags = {flag for _, one in tree for option in one.params for flag in (*option.opts, *option.secondary_opts)}
    for code in inline_code(page):
        if code.startswith("idbench "):
            assert any(code.startswith(name) or name.startswith(code) for name, _ in tree), code
        for flag in re.findall(r"(?:^|\s)(--[a-z][a-z-]*)", code):
            assert flag in flags | FLAGS_OF_OTHERS | {"--version", "--help"}, f"{code}: no command has {flag}"
