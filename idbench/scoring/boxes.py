"""Whether a suite's boxes are boxes of the faces in its targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from idbench.metrics import iou_matrix
from idbench.protocols.people import MIN_BOX_OVERLAP
from idbench.schema import Box
from idbench.scoring.suite_side import SuiteSide

__all__ = ["BoxCheck"]

GOOD_OVERLAP = 0.3
"""A box that overlaps a face so much (intersection over union) is one of that face, be it drawn loosely."""
INSIDE = 0.9
"""A box that holds so much of a face may be one of the whole person."""


@dataclass
class BoxCheck:
    """Compares boxes with detected faces, case by case, and judges when the whole suite was seen.

    touching : per case, whether any of its boxes touches a face.
    fitting : per box, whether it is the box of some face or holds one.
    """

    touching: dict[str, bool] = field(default_factory=dict)
    fitting: list[bool] = field(default_factory=list)

    def look_at(self, side: SuiteSide) -> None:
        """Take one case in; without boxes, or without faces in its target, it says nothing."""
        faces = side.target.faces if side.target is not None else None
        boxes = [person.box for person in side.case.people if person.box is not None]
        if not boxes or faces is None or len(faces) == 0:
            return
        overlap = iou_matrix(boxes, faces.found.boxes)
        self.touching[side.case.id] = bool(overlap.max() >= MIN_BOX_OVERLAP)
        held = np.array([_held(box, faces.found.boxes) for box in boxes])
        self.fitting += list(map(bool, (overlap.max(axis=1) >= GOOD_OVERLAP) | (held >= INSIDE)))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Cases whose boxes are not used, and why: none touches a face, or most of the suite's fit none."""
        fits = sum(self.fitting)
        if fits < len(self.fitting) / 2:
            why = f"{fits} of the suite's {len(self.fitting)} boxes fit faces that were found in the targets"
            for case_id in self.touching:
                yield (
                    case_id,
                    f"boxes were not used: {why} (another form, another image size?)",
                )
            return
        for case_id, touching in self.touching.items():
            if not touching:
                yield case_id, "boxes were not used, because they touch no face that was found in the target"


def _held(box: Box, faces: npt.NDArray[Any]) -> float:
    """Largest share of a face that lies in a box."""
    x1, y1, x2, y2 = faces.T
    width = np.clip(np.minimum(x2, box[2]) - np.maximum(x1, box[0]), 0, None)
    height = np.clip(np.minimum(y2, box[3]) - np.maximum(y1, box[1]), 0, None)
    return float((width * height / np.maximum((x2 - x1) * (y2 - y1), 1e-9)).max())
