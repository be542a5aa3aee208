"""What a recognizer gives of the faces it is shown, and whom a suite's photos say too little about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from idbench.faces.types import Analysis
from idbench.metrics.copy_paste import MIN_THETA_TR
from idbench.metrics.identity import angle
from idbench.protocols.people import CasePeople, FaceView, usable_faces

__all__ = ["Embedded", "undefined_reason"]


class Embedded:
    """Counts images with faces, and those of them where a recognizer gave a usable vector for any, by what they are."""

    def __init__(self) -> None:
        self._shown: Counter[tuple[str, str]] = Counter()
        self._usable: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, analysis: Analysis | None, recognizers: Sequence[str]) -> None:
        """Count an image. what : kind of image in the plural, such as `generated images`."""
        if analysis is None or not analysis.faces:
            return
        for name in recognizers:
            self._shown[name, what] += 1
            self._usable[name, what] += bool(usable_faces(analysis.faces, name))

    def faults(self) -> dict[str, str]:
        """Recognizers that gave nothing for any image of a kind, and for how many."""
        nothing = [(key, count) for key, count in self._shown.items() if not self._usable[key]]
        return {name: f"it gave no usable vector for any of {count} {what}" for (name, what), count in nothing}


def undefined_reason(
    target: Analysis | None, references: Sequence[Analysis], people: CasePeople, person: int
) -> str | None:
    """Why there is no copy-paste score for a person of a case, whatever is generated; None where there may be one.

    target, references : the case's target and the person's references.
    """
    face, known = people.targets[person], people.references[person]
    unclear = people.unclear[person] if people.unclear else ()
    if face is None:
        return _why_no_target(target, any(reason.startswith("the target") for reason in unclear))
    if not known:
        return _why_no_reference(references, bool(unclear))
    if all(_is_one_photo(face, one) for one in known):
        return "target and reference are one photo"
    return None


def _why_no_target(target: Analysis | None, unclear: bool) -> str:
    if target is None:
        return "no target photo"
    if target.faces is None:
        return "target cannot be read"
    if not target.faces:
        return "no face in the target"
    return "not clear in the target" if unclear else "no usable face of theirs in the target"


def _why_no_reference(references: Sequence[Analysis], unclear: bool) -> str:
    found = [one.faces for one in references if one.faces is not None]
    if not found:
        return "no reference can be read"
    if not any(found):
        return "no face in the references"
    return "not clear in the references" if unclear else "no usable face in the references"


def _is_one_photo(target: FaceView, reference: FaceView) -> bool:
    return not angle(target.embedding, reference.embedding) >= MIN_THETA_TR
