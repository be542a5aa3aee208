"""What scoring needs besides the suite, and one case's photos once they are analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from idbench.encoders.clip import ClipEncoder
from idbench.faces.pipeline import ImageAnalyser
from idbench.faces.types import Analysis
from idbench.generate.ledger import Producer
from idbench.records import Case

__all__ = ["Scoring", "SuiteSide"]


@dataclass
class SuiteSide:
    """One case's photos, analysed. `padded` holds the references as the paper protocol sees them."""

    case: Case
    target: Analysis | None
    references: list[list[Analysis]]
    padded: list[Analysis] = field(default_factory=list)


@dataclass
class Scoring:
    """What a scoring pass needs besides the suite: the producers of images, judges and protocols."""

    analyser: ImageAnalyser
    producers: Sequence[Producer]
    protocols: Sequence[str]
    stacked: frozenset[str] = frozenset()
    """Recognizers the paper protocol treats as FaceNet and AdaFace."""
    clip: ClipEncoder | None = None
    false_accept_rate: float = 0.01

    @property
    def recognizers(self) -> list[str]:
        """Names, in the order given."""
        return [recognizer.name for recognizer in self.analyser.recognizers]
