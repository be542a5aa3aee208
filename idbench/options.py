"""Options described once, as fields of a record: command line, configuration file, Python and documentation agree.

A field's name, type, default, limits and description say what an option is; `Flag` adds what only the command line
knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from idbench.schema import Record, bounds_of, in_words

__all__ = ["Flag", "Folders", "Location", "Option", "Texts", "options_of", "options_table"]


def _without_paths(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _without_paths(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, Path) else value


if TYPE_CHECKING:  # what may be given; what a record holds is narrower, and what is written to disk is text
    Location = str | Path
    Folders = Mapping[str, str | Path]
    Texts = Sequence[str]
else:
    Location = Annotated[str, BeforeValidator(_without_paths)]
    Folders = Annotated[dict[str, str], BeforeValidator(_without_paths)]
    Texts = tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """What the command line has to know of a field beyond its declaration; stands in `Annotated`.

    Parameters
    ----------
    name : without dashes; by default the field's.
    metavar : what stands for the value in help.
    unset : what it means to give nothing, where the default does not say it: `one per GPU`.
    negative : whether there is `--no-NAME` too.
    """

    name: str = ""
    metavar: str = ""
    unset: str = ""
    negative: bool = False


@dataclass(frozen=True)
class Option:
    """One option.

    Parameters
    ----------
    field : its name in a configuration file and in Python.
    flags : on the command line, `--level` or `--oracles/--no-oracles`.
    kind : `flag`, `integer`, `number`, `choice`, `text`, or, to be repeated, `texts` and `folders` (NAME=FOLDER).
    metavar : what stands for the value in help; empty for flags.
    default : in words; empty if nothing happens without it.
    limits : in words; empty without any.
    """

    field: str
    flags: str
    kind: str
    metavar: str
    default: str
    limits: str
    help: str

    @property
    def type(self) -> Any:
        """The type of what may be given in Python."""
        plain = {"flag": bool, "integer": int, "number": float, "texts": Sequence[str]}
        if self.kind == "choice":
            return Literal[*self.metavar.split("|")]
        return Mapping[str, str | Path] if self.kind == "folders" else plain.get(self.kind, str)

    @property
    def accepts(self) -> str:
        """What may be given, in words."""
        words = {"flag": "yes or no", "texts": "list of texts", "folders": "folders by name"}
        if self.kind == "choice":
            return ", ".join(self.metavar.split("|"))
        return words.get(self.kind, self.kind)

    @property
    def flag(self) -> str:
        """What the command line calls it."""
        return self.flags.partition("/")[0]


def options_of(record: type[Record]) -> dict[str, Option]:
    """The options that the fields of `record` are, by field name, in their order."""
    return {name: _option(name, field) for name, field in record.model_fields.items()}


def options_table(record: type[Record]) -> Iterator[dict[str, str]]:
    """One row per option for documentation: option, key, type, default, range and meaning, all text."""
    for option in options_of(record).values():
        yield {
            "option": option.flags,
            "key": option.field,
            "type": option.accepts,
            "default": option.default,
            "range": option.limits,
            "meaning": option.help,
        }


def _option(name: str, field: FieldInfo) -> Option:
    flag = next((one for one in field.metadata if isinstance(one, Flag)), Flag())
    kind, metavar = _kind(field.annotation)
    plain = flag.name or name.replace("_", "-")
    return Option(
        name,
        f"--{plain}/--no-{plain}" if flag.negative else f"--{plain}",
        kind,
        flag.metavar or metavar,
        flag.unset or _shown(field.get_default(call_default_factory=True)),
        in_words(bounds_of(field)),
        field.description or "",
    )


def _kind(annotation: Any) -> tuple[str, str]:
    """Kind and metavar of a type."""
    (declared,) = _members(annotation) - {NoneType}
    if get_origin(declared) is Literal:
        return "choice", "|".join(get_args(declared))
    plain = get_origin(declared) or declared
    names = {bool: ("flag", ""), int: ("integer", "INTEGER"), float: ("number", "NUMBER"), str: ("text", "TEXT")}
    return (names | {tuple: ("texts", "TEXT"), dict: ("folders", "NAME=FOLDER")})[plain]


def _members(annotation: Any) -> set[Any]:
    """What a union is of, without what `Annotated` adds."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*map(_members, get_args(annotation)))
    return {annotation}


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, float):
        return f"{default:g}"
    return ", ".join(default) if isinstance(default, tuple) else str(default or "" if default != 0 else 0)
