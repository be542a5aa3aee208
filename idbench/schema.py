"""What every record is made of: the leaf that all other modules may import."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Box", "Record", "boxes_of", "one_line", "problem_of"]

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the image it belongs to; x2 > x1, y2 > y1."""


class Record(BaseModel):
    """Base of everything written to disk: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def problem_of(error: ValidationError, known: Iterable[str]) -> str:
    """The first thing wrong with a record, in one line; `known` are its fields."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), list(known), n=1)
        return f"no field is called '{where}'" + (
            f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}"
        )
    return f"{where or 'record'}: {first['msg'].removeprefix('Value error, ')}"


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


def one_line(text: object, length: int = 300) -> str:
    """Text that can be written anywhere: one line of at most `length` characters, without half surrogate pairs, which
    file names may bring."""
    return " ".join(str(text).encode("utf-8", "replace").decode().split())[:length]
