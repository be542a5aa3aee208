"""What every record is made of: the leaf that all other modules may import."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "Box",
    "Record",
    "bounds_of",
    "boxes_of",
    "first_problem",
    "in_words",
    "one_line",
    "printable",
    "problem_of",
]

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the image it belongs to; x2 > x1, y2 > y1."""


class Record(BaseModel):
    """Base of everything written to disk: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Bounds = dict[str, float]
"""Limits of a number, by `ge`, `gt`, `le` and `lt`."""

_EXPECTED = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "sequence": "a list",
    "list": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
}
"""What was wanted, by the first word of pydantic's error type (`int_parsing`, `string_type`, ...)."""

_LIMITS = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le", "less_than": "lt"}


def bounds_of(field: FieldInfo) -> Bounds:
    """The limits that a field declares."""
    return {
        key: getattr(limit, key) for limit in field.metadata for key in ("ge", "gt", "le", "lt") if hasattr(limit, key)
    }


def in_words(bounds: Bounds) -> str:
    """`between 1 and 64`, `at least 0`, `more than 0 and less than 1`; empty without bounds."""
    if set(bounds) == {"ge", "le"}:
        return f"between {bounds['ge']:.15g} and {bounds['le']:.15g}"
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return " and ".join(f"{words[key]} {bounds[key]:.15g}" for key in words if key in bounds)


def problem_of(
    error: ValidationError, known: Iterable[str] | Mapping[str, FieldInfo], called: Callable[[str], str] = str
) -> str:
    """The first thing wrong with a record, in one line: `level: expected between 0.5 and 0.999, found 2`.

    known : the record's fields; with their declarations, both limits of a range are said.
    called : what the user calls a field, such as `--level`.
    """
    fields = {_spelt(name, one): one for name, one in known.items()} if isinstance(known, Mapping) else {}
    first = first_problem(error)
    field, *inner = map(str, first["loc"] or ("record",))
    if first["type"] == "extra_forbidden":
        return _no_such_field(".".join([field, *inner]), _fields_at(fields, first["loc"][:-1]) or known)
    bounds = bounds_of(fields[field]) if field in fields and not inner else {}
    return f"{'.'.join([called(field), *inner])}: {_what_is_wrong(first, bounds)}"


def first_problem(error: ValidationError) -> ErrorDetails:
    """The problem to be told: a field that does not exist before one that is missing, which may be its right name."""
    problems = error.errors(include_url=False)
    return next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])


def _spelt(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def _fields_at(fields: Mapping[str, FieldInfo], place: Sequence[int | str]) -> Mapping[str, FieldInfo]:
    """The fields of the record that lies at a place within a record: of `weights.0.hub`, those of one weight."""
    for step in place:
        annotation = fields[step].annotation if isinstance(step, str) and step in fields else None
        records = [
            one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, Record)
        ]
        if records:
            fields = {_spelt(name, one): one for name, one in records[0].model_fields.items()}
    return fields


def _no_such_field(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.rpartition(".")[2], list(known), n=1)
    return f"no field is called '{name}'; " + (f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}")


def _what_is_wrong(problem: ErrorDetails, bounds: Bounds) -> str:
    """`expected ..., found ...`, or the words of whoever refused the value."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return "missing"
    if kind in _LIMITS:
        expected = in_words(bounds or {_LIMITS[kind]: next(iter(context.values()))})
    elif kind == "literal_error":
        expected = context["expected"].replace("'", "")
    elif kind.partition("_")[0] in _EXPECTED and kind.endswith(("_type", "_parsing", "_from_float")):
        expected = _EXPECTED[kind.partition("_")[0]]
    else:
        return problem["msg"].removeprefix("Value error, ")
    return f"expected {expected}, found {_shown(problem['input'])}"


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{value:.15g}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def boxes_of(value: object) -> tuple[Box, ...]:
    """Face boxes from a sequence of four numbers each. Raises `ValueError`, one line, for all else: no sequence, other
    counts, non-finite or empty boxes."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise ValueError(f"expected boxes, found {type(value).__name__}")
    boxes: list[Box] = []
    for box in value:
        try:
            x1, y1, x2, y2 = (float(number) for number in box)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"a box needs four numbers, found {str(box)[:60]}") from error
        if not all(map(math.isfinite, (x1, y1, x2, y2))) or x2 <= x1 or y2 <= y1:
            raise ValueError(f"a box needs x2 > x1 and y2 > y1, found {[x1, y1, x2, y2]}")
        boxes.append((x1, y1, x2, y2))
    return tuple(boxes)


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it counts, which may bring its verb; `many` is `one` with an s unless given.

    >>> counted(1, "image"), counted(2, "image"), counted(1, "file matches", "files match")
    ('1 image', '2 images', '1 file matches')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def one_line(text: object, length: int = 300) -> str:
    """Text that can be written anywhere: one line of at most `length` characters, without half surrogate pairs, which
    file names may bring."""
    return " ".join(str(text).encode("utf-8", "replace").decode().split())[:length]


def printable(text: str) -> str:
    """Text for a terminal, in which control characters and escape sequences do nothing: they are written as `\\x1b`.

    >>> print(printable("red: \\x1b[31m"))
    red: \\x1b[31m
    """
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)
