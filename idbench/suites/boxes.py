"""Face boxes as suites write them, brought to the one form that idbench knows: x1, y1, x2, y2 in pixels of the target.

How a suite writes its boxes is decided by what fits all of them. Boxes that fit as they should be are left as they are.
Shares of the target's size (0 to 1) cannot be pixels and are recognised case by case. Where many boxes do not fit, and
just one other form fits every box, that one is taken. Whatever is changed or ignored is a problem of its case.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from idbench.images import size_of
from idbench.records import Case
from idbench.schema import Box, boxes_of
from idbench.suites.base import add_problem

__all__ = ["BoxForms", "box_numbers", "parse_boxes"]

Size = tuple[int, int]
"""Width and height of a target in pixels."""

MIN_SIDE = 8
"""A face of fewer pixels a side is none; used to tell forms apart, never to refuse a box."""
MAX_SIDES = 5
"""A face is no longer than this many times its width, nor wider."""
SAMPLE = 500
"""Cases with boxes that are looked at to find the form."""
MANY = 0.1
"""Share of boxes that must not fit before another form is thought of: fewer are mistakes in single boxes."""


def _from_width_and_height(box: Box) -> Box:
    x, y, width, height = box
    return x, y, x + width, y + height


def _from_centre(box: Box) -> Box:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _from_rows(box: Box) -> Box:
    y1, x1, y2, x2 = box
    return x1, y1, x2, y2


Order = Callable[[Box], Box]
CORNERS = "x1, y1, x2, y2"
PIXELS: Mapping[str, Order] = {
    CORNERS: lambda box: box,
    "x, y, width, height": _from_width_and_height,
    "y1, x1, y2, x2": _from_rows,
}
SHARES: Mapping[str, Order] = {**PIXELS, "centre x, centre y, width, height": _from_centre}


def parse_boxes(value: object, people: int) -> list[Box] | None:
    """Face boxes from a JSON string or list, one (x1, y1, x2, y2) per person; None if there are none.

    Raises `ValueError` (one line) for anything else: other counts, non-finite or empty boxes.
    """
    numbers = box_numbers(value, people)
    return list(boxes_of(numbers)) if numbers is not None else None


def box_numbers(value: object, people: int) -> list[Box] | None:
    """Four finite numbers per person from a JSON string or list, in whatever form; None if there are none.

    Empty boxes beyond the last person are padding. Raises `ValueError` (one line) for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"boxes are not JSON ({str(error)[:80]})") from error
    if not value:
        return None
    if isinstance(value, list) and not any(map(_is_something, value[people:])):
        value = value[:people]
    if not isinstance(value, list) or len(value) != people:
        found = len(value) if isinstance(value, list) else type(value).__name__
        raise ValueError(f"expected {people} boxes, found {found}")
    return [_four(box) for box in value]


def _is_something(box: object) -> bool:
    return any(box) if isinstance(box, list) else bool(box)


def _four(box: object) -> Box:
    try:
        a, b, c, d = (float(number) for number in (box if isinstance(box, list | tuple) else ()))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a box needs four numbers, found {str(box)[:60]}") from error
    if not all(map(math.isfinite, (a, b, c, d))):
        raise ValueError(f"a box needs four finite numbers, found {[a, b, c, d]}")
    return a, b, c, d


@dataclass
class BoxForms:
    """Brings the boxes of a suite's cases to pixels.

    Parameters
    ----------
    read : the suite's cases with boxes as they are written (`box_numbers`), problems noted.
    find : some of them by id.
    """

    read: Callable[[dict[str, str]], Iterator[Case]]
    find: Callable[[Collection[str]], Iterator[Case]] | None = None
    _sizes: dict[str, Size | None] = field(default_factory=dict)

    def cases(self, problems: dict[str, str]) -> Iterator[Case]:
        """Every case, its boxes in pixels; what is changed or ignored is noted."""
        return (self._settled(case, problems) for case in self.read(problems))

    def found(self, case_ids: Collection[str]) -> Iterator[Case]:
        """Some cases again, as `cases` gave them."""
        again = self.find(case_ids) if self.find is not None else self.read({})
        return (self._settled(case, {}) for case in again)

    @cached_property
    def order(self) -> str:
        """How boxes in pixels are written; "" where no form fits them."""
        samples = [(box, size) for boxes, size in self._sample if not _are_shares(boxes) for box in boxes]
        return _best(samples, PIXELS)

    @cached_property
    def order_of_shares(self) -> str:
        """How boxes in shares of the target's size are written; "" where no form fits them."""
        shares = [(boxes, size) for boxes, size in self._sample if _are_shares(boxes)]
        return _best([(_scaled(box, size), size) for boxes, size in shares if size for box in boxes], SHARES)

    @cached_property
    def _sample(self) -> list[tuple[list[Box], Size | None]]:
        """Boxes and target sizes of the first cases that have boxes."""
        with_boxes = ((case, boxes) for case in self.read({}) if (boxes := _boxes(case)))
        return [(boxes, self._size(case)) for case, boxes in islice(with_boxes, SAMPLE)]

    def _size(self, case: Case) -> Size | None:
        if case.id not in self._sizes:
            self._sizes[case.id] = size_of(case.target) if case.target is not None else None
        return self._sizes[case.id]

    def _settled(self, case: Case, problems: dict[str, str]) -> Case:
        written = _boxes(case)
        size = self._size(case) if written else None
        if not written or not _are_shares(written):
            return _in_order(case, self.order if written else CORNERS, "in another form", problems)
        if size is None:
            add_problem(problems, case.id, "boxes ignored: between 0 and 1, and the target's size is not known")
            return _with_boxes(case, lambda box: None)
        scaled = _with_boxes(case, lambda box: _scaled(box, size))
        if not self.order_of_shares:
            unclear = "boxes ignored: between 0 and 1, and whether written from a corner or the centre is not clear"
            add_problem(problems, case.id, unclear)
            return _with_boxes(case, lambda box: None)
        if self.order_of_shares == CORNERS:
            add_problem(problems, case.id, "boxes between 0 and 1 were taken as shares of the target's size")
        return _in_order(scaled, self.order_of_shares, "between 0 and 1", problems)


def _in_order(case: Case, order: str, found: str, problems: dict[str, str]) -> Case:
    """The case with its boxes as x1, y1, x2, y2; those that are none, or of no known form, are left out."""
    if not order:
        add_problem(
            problems,
            case.id,
            f"boxes ignored: too many of the suite's do not fit their targets as {CORNERS} in pixels, and no one other "
            "form fits all (written for another image size?)",
        )
        return _with_boxes(case, lambda box: None)
    if order != CORNERS:
        add_problem(problems, case.id, f"boxes {found} were taken as {order}, the one form that fits all of the suite")
        return _with_boxes(case, SHARES[order])
    people = []
    for number, person in enumerate(case.people, start=1):
        empty = person.box is not None and not _has_inside(person.box)
        if empty and person.box is not None:
            problem = f"a box needs x2 > x1 and y2 > y1, found {list(person.box)}"
            add_problem(problems, case.id, f"box of person {number} ignored: {problem}")
        people.append(replace(person, box=None) if empty else person)
    return replace(case, people=tuple(people))


def _boxes(case: Case) -> list[Box]:
    return [person.box for person in case.people if person.box is not None]


def _with_boxes(case: Case, change: Callable[[Box], Box | None]) -> Case:
    people = (replace(one, box=change(one.box)) if one.box is not None else one for one in case.people)
    return replace(case, people=tuple(people))


def _are_shares(boxes: Sequence[Box]) -> bool:
    """Whether no number of a case's boxes is above 1 (a little more, for boxes over the edge): pixels would be."""
    return all(-0.5 <= number <= 1.5 for box in boxes for number in box)


def _scaled(box: Box, size: Size) -> Box:
    width, height = size
    a, b, c, d = box
    return a * width, b * height, c * width, d * height


def _best(samples: Sequence[tuple[Box, Size | None]], orders: Mapping[str, Order]) -> str:
    """The form that fits: x1, y1, x2, y2 where all but a few boxes do; "" where no form or several fit."""
    if not samples or _misfits(samples, orders[CORNERS]) < MANY * len(samples):
        return CORNERS
    fitting = [name for name, order in orders.items() if not _misfits(samples, order, strict=True)]
    if len(fitting) == 1:
        return fitting[0]
    outside = sum(_has_inside(box) and not _fits(box, size) for box, size in samples)
    return "" if fitting or outside >= MANY * len(samples) else CORNERS


def _misfits(samples: Iterable[tuple[Box, Size | None]], order: Order, strict: bool = False) -> int:
    return sum(not _fits(order(box), size, strict) for box, size in samples)


def _has_inside(box: Box) -> bool:
    return box[2] > box[0] and box[3] > box[1]


def _fits(box: Box, size: Size | None, strict: bool = False) -> bool:
    """Whether a quarter of a box lies in the picture; `strict`: most of it does, and it has the shape of a face."""
    if not _has_inside(box):
        return False
    x1, y1, x2, y2 = box
    short, long = sorted((x2 - x1, y2 - y1))
    if strict and (short < MIN_SIDE or long > MAX_SIDES * short):
        return False
    if size is None:
        return True
    shown = max(0.0, min(x2, size[0]) - max(x1, 0.0)) * max(0.0, min(y2, size[1]) - max(y1, 0.0))
    return shown >= (0.8 if strict else 0.25) * short * long
