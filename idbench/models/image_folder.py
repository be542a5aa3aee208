"""A model whose images already exist: a folder, named by case.

For a case `r001` these files count, with any image suffix: `r001.jpg`, `r001--7.png` (seed 7),
`r001/out.jpg`, `r001/output_0.jpg`, `r001/7.png`, `r001/out--7.png`. A case id with characters that
cannot stand in a file name is percent-encoded (`a/b` -> `a%2Fb`); a very long one is shortened
(`idbench.suites.case_filename` says how).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from idbench.errors import ConfigError
from idbench.kinds import ListedModel, ModelKind
from idbench.suites.base import case_filename

__all__ = ["MODEL", "SUFFIXES", "ImageFolder", "MatchedImages", "list_images"]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"})
_SEED = re.compile(r"^(?P<stem>.*?)--(?P<seed>\d{1,18})$")
_OUT = re.compile(r"^(?:out|output(?:_0)?)(?:--(?P<seed>\d{1,18}))?$|^(?P<bare>\d{1,18})$")
NOT_OUTPUTS = re.compile(r"^(?:ori|ref_\d+)$")


@dataclass(frozen=True)
class ImageFolder:
    """A folder of one model's images, listed but not yet read."""

    name: str
    root: Path
    paths: tuple[Path, ...]

    def match(self, case_ids: Iterable[str]) -> MatchedImages:
        """Say for every file which case and seed it is for.

        A file outside the folder (through links) is never opened, and where two files give the same case
        and seed the first by name counts: the others are surplus.
        """
        keys = {_normal(case_filename(case_id)): case_id for case_id in case_ids}
        files: dict[str, dict[int, Path]] = {}
        surplus: list[str] = []
        real_root = self.root.resolve()
        for path in self.paths:
            key, seed = _case_and_seed(path, self.root, keys)
            seeds = files.setdefault(keys[key], {}) if key in keys else {}
            if key not in keys or seed in seeds or not _within(path, real_root):
                surplus.append(str(path.relative_to(self.root)).encode(errors="backslashreplace").decode())
            else:
                seeds[seed] = path
        found = {case_id: seeds for case_id, seeds in files.items() if seeds}
        return MatchedImages(self.name, self.root, found, tuple(surplus))


@dataclass(frozen=True)
class MatchedImages:
    """Images of one model by case and seed. `surplus` names files that belong to no case asked for."""

    name: str
    root: Path
    files: dict[str, dict[int, Path]]
    surplus: tuple[str, ...]


def list_images(name: str, location: str | Path) -> ImageFolder:
    """List a folder's images, sorted. Raises `ConfigError` if the folder does not exist."""
    root = Path(location).expanduser()
    if not root.is_dir():
        raise ConfigError(f"images of '{name}': no folder at {root}")
    paths = [
        path
        for path in sorted([*root.glob("*"), *root.glob("*/*")])
        if path.suffix.lower() in SUFFIXES and not NOT_OUTPUTS.match(path.stem) and not path.is_dir()
    ]
    return ImageFolder(name, root, tuple(paths))


def _within(path: Path, root: Path) -> bool:
    """Whether `path` lies under `root`, links followed; a link to itself lies nowhere."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _normal(text: str) -> str:
    """One spelling per name: file systems disagree about composed accents."""
    return unicodedata.normalize("NFC", text)


def _case_and_seed(path: Path, root: Path, keys: Container[str]) -> tuple[str, int]:
    """The case key and seed a path stands for; a whole stem that is a case wins over a seed suffix."""
    stem = _normal(path.stem)
    if path.parent != root:
        match = _OUT.match(stem)
        return (_normal(path.parent.name), int(match["seed"] or match["bare"] or 0)) if match else ("", 0)
    match = None if stem in keys else _SEED.match(stem)
    return (match["stem"], int(match["seed"])) if match else (stem, 0)


def _refuse(name: str, location: str, given: Mapping[str, str]) -> NoReturn:
    raise ConfigError(f"images that exist are given with --images {name}={location}, not with --model")


MODEL = ModelKind(
    open=_refuse,
    form="images",
    what="images that exist",
    listed=lambda: [ListedModel("images", "--images NAME=FOLDER: images that exist, named by case", "any")],
)
