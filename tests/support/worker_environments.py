"""A worker, its repository, its wheel and its weights: all that an environment is made of, on this disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from support.in_process import idbench_here

from idbench.models.cards import load_card
from idbench.models.environments.environment import Environment

CARD = """
name = "painter"
kind = "worker"
title = "Painter"
summary = "Paints one colour."
[source]
repository = "{address}"
revision = "{revision}"
[licence]
code = "MIT"
weights = "CC0"
[[weights]]
role = "base"
form = "folder"
hub = "me/colours"
gigabytes = 0.1
licence = "CC0"
[worker]
requirements = "requirements.txt"
{python}
"""


WORKER = """
import sys
import tinypaint        # from the wheel: only the environment has it
import colours          # from the repository
from idbench_worker import serve


def load(hello):
    print("python at", sys.prefix)
    assert hello["weights"]["base"]
    return colours.COLOUR


def generate(colour, job):
    return tinypaint.Picture(64, 64, colour)


serve(load, generate)
"""


TINYPAINT = """
import struct, zlib

class Picture:
    def __init__(self, width, height, colour):
        self.size, self.colour = (width, height), colour

    def save(self, path, format):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        rows = (b"\\0" + bytes(self.colour) * self.size[0]) * self.size[1]
        header = struct.pack(">IIBBBBB", *self.size, 8, 2, 0, 0, 0)
        with open(path, "wb") as file:
            file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
"""


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True, env=clean)
    return done.stdout.strip()


def commit(repository: Path, colour: str) -> str:
    (repository / "colours.py").write_text(f"COLOUR = {colour}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", colour)
    return git(repository, "rev-parse", "HEAD")


def wheel(folder: Path, name: str = "tinypaint", code: str = TINYPAINT) -> Path:
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}.py", code)
        packed.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return folder


class World:
    """A card's folder, a folder with everything offline, and a home of their own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable, name in {"HOME": "home", "IDBENCH_CACHE": "cache", "IDBENCH_WEIGHTS": "weights"}.items():
            monkeypatch.setenv(variable, str(root / name))
        monkeypatch.setenv("HF_HOME", str(root / "hf"))
        monkeypatch.setenv("IDBENCH_INSTALLER", "pip")
        self.root, self.card, self.offline = root, root / "painter", root / "offline"
        own = hashlib.sha256(str(self.card).encode()).hexdigest()[:8]
        self.environment = root / "cache" / "environments" / f"painter-{own}"
        self.repository = self.offline / "repository"
        self.card.mkdir()
        self.repository.mkdir(parents=True)
        git(self.repository, "init", "-q")
        self.red = commit(self.repository, "(200, 30, 30)")
        self.blue = commit(self.repository, "(30, 30, 200)")
        wheel(self.offline / "wheels")
        colours = self.offline / "weights" / "me" / "colours"
        colours.mkdir(parents=True)
        (colours / "config.json").write_text("{}")
        header = json.dumps({"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
        (colours / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        (self.card / "worker.py").write_text(WORKER)
        (self.card / "requirements.txt").write_text("tinypaint==1.0\n")
        self.write()

    def write(self, revision: str = "", python: str = "", address: str = "https://example.org/nowhere") -> None:
        asked = f'python = "{python}"' if python else ""
        (self.card / "card.toml").write_text(CARD.format(revision=revision or self.red, python=asked, address=address))

    def setup(self) -> subprocess.CompletedProcess[str]:
        return idbench_here("models", "setup", self.card, "--yes", "--offline", self.offline)

    def problems(self) -> list[dict[str, str]]:
        done = idbench_here("models", "check", self.card, "--json")
        (found,) = json.loads(done.stdout).values()
        assert done.returncode == bool(found)
        return found

    def lacking(self) -> dict[str, str]:
        return Environment(load_card(self.card), self.card).lacking()

    def made(self) -> dict[str, str]:
        """Which folder each step's link leads to: another one if it was made again."""
        return {step: str((self.environment / step).readlink()) for step in ("venv", "repository")}

    def archive(self, kind: str, *more: str) -> None:
        """The red commit as GitHub would pack it, in the repository's place."""
        target = self.offline / f"repository.{kind}"
        git(self.repository, "archive", "--prefix=colours-1/", f"--output={target}", *more, self.red)
        shutil.rmtree(self.repository)
