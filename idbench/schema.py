"""What every record is made of: the leaf that all other modules may import."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Box", "Record", "problem_of"]

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
