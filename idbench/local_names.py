"""Text without what only this machine or its user is called: paths become their last name, user and host a word."""

from __future__ import annotations

import getpass
import platform
import re
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

__all__ = ["LocalNames", "last_name", "shortened"]

ORDINARY = frozenset(
    {
        "admin", "all", "finished", "found", "generated", "home", "idbench", "image", "images", "incomplete", "local",
        "localhost", "mini", "model", "models", "none", "oracle", "paper", "refused", "root", "runner", "running",
        "scored", "strict", "suite", "target", "ubuntu", "undefined", "user", "users",
    }
)  # fmt: skip
"""Names of users and hosts that identify nobody or are words of records; they stay."""

_REST = r"[^\s'\"<>|;,:)\]]"
_SEPARATOR = re.compile(r"[/\\]+")
_USERS = re.compile(r"(?:/home/|/Users/|[A-Za-z]:[/\\]Users[/\\])([^/\\\s'\":]+)")
_QUOTED = re.compile(r"(?P<quote>['\"])(?:file://)?(?P<path>(?:~[\w.-]*|\.{1,2}|[A-Za-z]:)?[/\\][^'\"\n]*)(?P=quote)")
_REMOTE = re.compile(
    r"(?<![\w.+@-])[A-Za-z0-9_][\w.+-]*@"
    rf"(?:[\w-]+(?:\.[\w-]+)*:(?P<path>[~/]{_REST}*|\w[\w.-]*/{_REST}*)|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{{2,}}(?![\w=]))"
)
"""`user@host:path`, as of ssh and git, and `user@host.domain`; a revision such as `model@main` is none."""
_FURTHER = rf"(?<!\.\w\w)(?<!\.\w{{3}})(?<!\.\w{{4}})(?<!\.\w{{5}})(?: [\w.-]+){{0,2}} [\w-]{_REST}*[/\\]{_REST}*"
"""What follows a space within a path: up to the next separator, unless a suffix ends the path before."""
_PLAIN = re.compile(
    rf"(?<![\w/.~<\\-])(?:file://)?(?:(?:~[\w.-]*|\.{{1,2}}|[A-Za-z]:)[/\\]|/(?![/\s])|\\\\){_REST}+(?:{_FURTHER})*"
)
_SPEC = re.compile(r"(?P<head>(?:[^=:/\\]+=)?(?:[^=:/\\]{2,}:(?!//))?)(?P<location>.*)", re.DOTALL)


def last_name(path: str) -> str:
    """The last part of a path, whatever its separators; of one without, such as `/` or `../..`, a placeholder.

    >>> last_name("/home/somebody/photos/"), last_name(r"C:\\\\photos\\\\a.png"), last_name("..")
    ('photos', 'a.png', '…')
    """
    name = _SEPARATOR.split(path.rstrip("/\\"))[-1]
    return "…" if name in ("", ".", "..", "~") or name.endswith(":") else name


def shortened(spec: str) -> str:
    """A location, or `[NAME=][KIND:]LOCATION`, with the last name of its path alone; addresses stay.

    >>> shortened("mine=onnx:../weights/net.onnx"), shortened("photos"), shortened("https://example.org/a")
    ('mine=onnx:net.onnx', 'photos', 'https://example.org/a')
    """
    match = _SPEC.fullmatch(spec)
    assert match is not None  # everything is a location
    if "://" in spec and not spec.startswith("file:"):
        return spec
    parts = [last_name(part) if _is_path(part) else part for part in match["location"].split(",")]
    return match["head"] + ",".join(parts)


def _is_path(text: str) -> bool:
    """Whether it has separators, and is no share such as 16/9."""
    return _SEPARATOR.search(text) is not None and not re.fullmatch(r"[\d./:]+", text.strip())


class LocalNames:
    """What must not be said of where a run was made.

    folders : known paths, which are found with spaces in them too.
    words : names of users and hosts; `ORDINARY` ones and those of one or two letters are left out.
    """

    def __init__(self, folders: Iterable[str], words: Iterable[str]) -> None:
        known = sorted({folder.rstrip("/\\") for folder in folders}, key=len, reverse=True)
        roots = "|".join(re.escape(folder) for folder in known if len(_SEPARATOR.split(folder)) > 1)
        self._known = re.compile(rf"(?:file://)?(?:{roots})(?![\w.-])(?:[/\\]+{_REST}+)*") if roots else None
        chosen = {word for word in words if len(word) > 2 and word.lower() not in ORDINARY}
        names = "|".join(map(re.escape, sorted(chosen, key=len, reverse=True)))
        self._words = re.compile(rf"(?<![A-Za-z])(?:{names})(?![A-Za-z])", re.IGNORECASE) if names else None

    @classmethod
    def of_this_machine(cls, texts: Iterable[str], folders: Collection[str]) -> LocalNames:
        """Those of this machine and its user, and those of users whose home folders `texts` name."""
        home = Path.home()
        here = [home, home.resolve(), Path.cwd(), Path(tempfile.gettempdir())]
        host = platform.node()
        users = {match for text in texts for match in _USERS.findall(text)}
        words = {_user(), home.name, host, host.partition(".")[0], *users}
        return cls([*map(str, here), *folders], words)

    def removed_from(self, text: str) -> str:
        """The text, every path by its last name alone, users and hosts as `user`."""
        if self._known is not None:
            text = self._known.sub(lambda match: last_name(match[0]), text)
        text = _REMOTE.sub(
            lambda match: f"user@host:{last_name(match['path'])}" if match["path"] else "user@host", text
        )
        text = _QUOTED.sub(lambda match: match["quote"] + last_name(match["path"]) + match["quote"], text)
        text = _PLAIN.sub(lambda match: last_name(match[0]), text)
        return self._words.sub("user", text) if self._words is not None else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without name, as in a container
        return ""
