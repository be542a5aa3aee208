"""A model whose images already exist: a folder, named by case (`idbench.models.image_names` says how)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from idbench.errors import ConfigError
from idbench.image_formats import UNREAD_SUFFIXES, is_image_file, suffixes_with_plugins
from idbench.kinds import ListedModel, ModelKind
from idbench.links import leads_inside, roots_of
from idbench.models.image_names import CaseNames, Place

__all__ = ["MODEL", "ImageFolder", "MatchedImages", "list_images"]

NOT_OUTPUTS = re.compile(r"^(?:ori|ref[_-]?\d+)$", re.IGNORECASE)
"""Photos of a suite in the published layout."""

_NO_IMAGES = frozenset(
    {".json", ".jsonl", ".txt", ".csv", ".tsv", ".md", ".yaml", ".yml", ".toml", ".html", ".xml", ".log", ".py"}
    | {".parquet", ".pt", ".pth", ".ckpt", ".safetensors", ".npz", ".npy", ".zip", ".tar", ".gz", ".db", ".ini"}
)
"""Suffixes of files that are not looked into."""

MAX_SUBFOLDERS = 200
"""Folders below one without a match that are looked through for a better one."""


@dataclass(frozen=True)
class ImageFolder:
    """A folder of one model's images, listed but not yet read.

    `unread` are images of formats that are not read; `roots` where links may lead.
    """

    name: str
    root: Path
    paths: tuple[Path, ...]
    unread: tuple[Path, ...]
    roots: tuple[Path, ...]

    def match(self, case_ids: Iterable[str]) -> MatchedImages:
        """Say for every file which case and seed it is for.

        A file outside the folders that were named (through links) is never opened. Raises `ConfigError`, which says
        what to do, if no file is for any case.
        """
        names = CaseNames(case_ids)
        return replace(self, paths=tuple(_outputs(self.paths, self.root, names)))._match(names)

    def _match(self, names: CaseNames) -> MatchedImages:
        numbered = _numbered_folders(self.paths)
        matched = self._matched(lambda path: names.strictly(path, (self.root / path).parent in numbered), loosely=False)
        if not matched.files:
            matched = self._matched(names.loosely, loosely=True)
        if not matched.files:
            raise ConfigError(f"images of '{self.name}': {self._why_none(names, matched)}")
        return matched

    def _matched(self, place_of: Callable[[Path], Place | None], loosely: bool) -> MatchedImages:
        found: dict[tuple[str, int], list[tuple[int, Path]]] = {}
        surplus, links = [], []
        for path in self.paths:
            relative = path.relative_to(self.root)
            if not leads_inside(path, self.roots):
                links.append(path)
            elif (place := place_of(relative)) is None:
                surplus.append(path)
            else:
                found.setdefault((place.case, place.seed), []).append((place.rank, path))
        files: dict[str, dict[int, Path]] = {}
        clashes = []
        for (case, seed), ranked in sorted(found.items()):
            chosen, *others = [path for _, path in sorted(ranked)]
            files.setdefault(case, {})[seed] = chosen
            surplus += others
            clashes += [(self._shown(chosen), self._shown(other)) for other in others]
        return MatchedImages(
            self.name,
            self.root,
            files,
            tuple(map(self._shown, sorted([*surplus, *links]))),
            tuple(clashes),
            tuple(map(self._shown, links)),
            tuple(map(self._shown, self.unread)),
            loosely,
        )

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self.root)).encode(errors="backslashreplace").decode()

    def _why_none(self, names: CaseNames, matched: MatchedImages) -> str:
        """Why no file is for any case, and what to do."""
        count = len(self.paths)
        below = list(self._better_subfolders(names))
        if below:
            first = f"--images {self.name if len(below) == 1 else below[0].name}={below[0]}"
            more = f"; also in {', '.join(folder.name for folder in below[1:4])}" if below[1:] else ""
            return f"0 of {count} images in {self.root} match a case, but those in {below[0].name}/ do: {first}{more}"
        if links := matched.links:
            return (
                f"{len(links)} of {count} files in {self.root} are links that lead outside the folders named "
                f"(first {links[0]}); copy them with 'cp -rL'"
            )
        if not count and self.unread:
            return f"{unread_line(matched.unread)}; convert them to PNG"
        if not count:
            return f"{self.root} holds no images"
        wanted = next(iter(names.ids), "CASE")
        renamed = ((path, names.rename(path.relative_to(self.root))) for path in self.paths)
        path, name = next(((path, name) for path, name in renamed if name is not None), (self.paths[0], None))
        what = f"rename {self._shown(path)} to {name}" if name is not None else self._advice(wanted)
        return (
            f"0 of {count} images in {self.root} match a case (first {matched.surplus[0]}); expected {wanted}.jpg, "
            f"{wanted}--7.png or {wanted}/out.jpg: {what}"
        )

    def _advice(self, wanted: str) -> str:
        numbered = all(re.fullmatch(r"\D{0,20}\d+[_-]*", path.stem) for path in self.paths)
        why = "files are numbered, not named by case; " if numbered else ""
        return f"{why}rename each by its case, the image of {wanted} to {wanted}.png"

    def _better_subfolders(self, names: CaseNames) -> Iterator[Path]:
        """Folders below, up to three levels down, whose files are for cases; not those below another such."""
        waiting, looked_at = _folders(self.root), 0
        for depth in range(3):
            next_level: list[Path] = []
            for folder in waiting:
                if (looked_at := looked_at + 1) > MAX_SUBFOLDERS:
                    return
                if not leads_inside(folder, self.roots):
                    continue
                listed = _outputs(_list(folder, self.roots)[0], folder, names)
                paths = [path.relative_to(folder) for path in listed]
                if not names.has(folder.name) and any(names.strictly(one) or names.loosely(one) for one in paths):
                    yield folder
                elif depth < 2:
                    next_level += _folders(folder)
            waiting = next_level


@dataclass(frozen=True)
class MatchedImages:
    """Images of one model by case and seed.

    Parameters
    ----------
    surplus : files that are not scored: those of no case asked for, second files for one image, links that lead out.
    clashes : second files for one image: (the one that counts, the other).
    links : files that lead outside the folders named.
    unread : files of image formats that are not read.
    loosely : whether names were understood that the rules do not give.
    """

    name: str
    root: Path
    files: dict[str, dict[int, Path]]
    surplus: tuple[str, ...]
    clashes: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    loosely: bool = False


def list_images(name: str, location: str | Path, named: Sequence[Path] = ()) -> ImageFolder:
    """List a folder's images, sorted. Hidden files and folders are nothing.

    named : other folders that the user named; links may lead into them.

    Raises `ConfigError` if the folder does not exist.
    """
    root = Path(location).expanduser()
    if not root.is_dir():
        raise ConfigError(f"images of '{name}': no folder at {root}")
    roots = tuple(place for folder in (root, *named) for place in roots_of(folder))
    paths, unread = _list(root, roots)
    return ImageFolder(name, root, tuple(paths), tuple(unread), roots)


def unread_line(unread: Sequence[str]) -> str:
    """One clause about files of formats that are not read."""
    return f"{len(unread)} files are of image formats that idbench does not read here, first {unread[0]}"


def _list(root: Path, roots: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The images of a folder and its subfolders, and those that are not read, sorted."""
    paths: list[Path] = []
    unread: list[Path] = []
    for path in sorted([*root.glob("*"), *root.glob("*/*")]):
        if _is_hidden(path.relative_to(root)) or path.is_dir():
            continue
        suffix = path.suffix.lower()
        if suffix in suffixes_with_plugins():
            paths.append(path)
        elif suffix in UNREAD_SUFFIXES:
            unread += [] if NOT_OUTPUTS.match(path.stem) else [path]
        elif suffix not in _NO_IMAGES and leads_inside(path, roots) and is_image_file(path):
            paths.append(path)
    return paths, unread


def _outputs(paths: Iterable[Path], root: Path, names: CaseNames) -> Iterator[Path]:
    """Files that are not photos of a suite by their name, or are called as a case is."""
    for path in paths:
        if not NOT_OUTPUTS.match(path.stem) or names.strictly(path.relative_to(root)) is not None:
            yield path


def _numbered_folders(paths: Iterable[Path]) -> set[Path]:
    """Folders with several files that are numbers: of these, each is a seed, that of the folder's own name too."""
    numbers = {(path.parent, int(path.stem)) for path in paths if path.stem.isdecimal() and len(path.stem) <= 18}
    return {folder for folder, count in Counter(folder for folder, _ in numbers).items() if count > 1}


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not _is_hidden(path.relative_to(root)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _refuse(name: str, location: str, given: Mapping[str, str]) -> NoReturn:
    raise ConfigError(f"images that exist are given with --images {name}={location}, not with --model")


MODEL = ModelKind(
    open=_refuse,
    form="images",
    what="images that exist",
    listed=lambda: [ListedModel("images", "--images NAME=FOLDER: images that exist, named by case", "any")],
)
